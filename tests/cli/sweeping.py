"""What tests of sweeps share."""

import time
from collections.abc import Callable
from typing import Any

from calling import Accel

from acceltui.runs.status import read_status
from acceltui.runs.sweeps import Coordination, SweepFolder, read_coordination, sweep_folder

GRID = ("small.yaml", "method=accelerated,scratch", "--seeds", "2")


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def states(accel: Accel) -> list[str]:
    """Of all runs, as written."""
    found = [read_status(run) for run in accel.runs]
    return sorted(status.state for status in found if status)


def of(accel: Accel, name: str) -> SweepFolder:
    return sweep_folder(accel.folder / "runs", name)


def coordination(folder: SweepFolder) -> Coordination:
    found = read_coordination(folder)
    assert found is not None
    return found


def pids(accel: Accel) -> dict[str, int | None]:
    return {run.name: status.pid for run in accel.runs if (status := read_status(run))}


def go(accel: Accel) -> None:
    """Let engines that hold end."""
    (accel.folder / "go").touch()
