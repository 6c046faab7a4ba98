"""`accel` in a folder of its own, and runs to command."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from calling import RECIPE, Accel, end_engine

from acceltui.runs.folder import RunFolder
from acceltui.runs.sweeps import SweepFolder, is_coordinated, read_coordination


@pytest.fixture
def accel(tmp_path: Path) -> Iterator[Accel]:
    (tmp_path / "small.yaml").write_text(RECIPE)
    accel = Accel(tmp_path)
    yield accel
    for path in (tmp_path / "runs").glob("*.sweep"):
        coordination = read_coordination(SweepFolder(path))
        if coordination and is_coordinated(SweepFolder(path), coordination):
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(coordination.pid).kill()
    for run in accel.runs:
        end_engine(run)


@pytest.fixture
def serving(accel: Accel) -> Callable[[str], RunFolder]:
    """Start a run in the background whose engine behaves as told; gives its folder."""

    def start(engine: str) -> RunFolder:
        done = accel("run", "small.yaml", "--name", "run-a", "--detach", engine=engine)
        assert done.returncode == 0, done.stderr
        return accel.runs[0]

    return start
