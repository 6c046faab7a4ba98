"""A run folder that is deleted or moved away under a living engine ends it, and nothing of it comes back."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from engine_process import engine_command, new_run, status_of, until
from engine_recipes import small

from acceltui.runs.checkpoints import find_checkpoints
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import observed_state

Living = tuple[RunFolder, subprocess.Popen[bytes], Path]


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Living]:
    """An engine that trains with environments in processes, and where its last words go."""
    (tmp_path / "runs").mkdir()
    changes = {"accelerator": {"steps": 10_000_000}, "env": {"processes": True, "num_envs": 2}, "log": {"every": 4}}
    folder, said = new_run(tmp_path / "runs", small(**changes)), tmp_path / "said"
    with said.open("wb") as file:
        process = subprocess.Popen(engine_command("run", folder.path), stdout=file, stderr=file, cwd=tmp_path)
    until(lambda: find_checkpoints(folder) or process.poll() is not None)
    yield folder, process, said
    process.kill()
    process.wait()


def is_left(folder: RunFolder, process: subprocess.Popen[bytes], said: Path, children: list[psutil.Process]) -> None:
    """Assert that an engine has ended with a sentence and without a trace."""
    assert process.wait(60) == 1
    assert psutil.wait_procs(children, timeout=20)[1] == []
    words = said.read_text()
    assert words.endswith(
        f"{folder.path} was deleted or moved away: nobody could use what is trained here, so training ends.\n"
    )
    assert "Traceback" not in words
    assert not folder.path.exists()


def test_a_deleted_folder_ends_its_engine_and_those_who_watch(living: Living) -> None:
    folder, process, said = living
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    command = [sys.executable, "-m", "acceltui", "attach", str(folder.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None and watching.stderr is not None
        assert "start" in watching.stdout.readline()
        until(lambda: try_to_remove(folder.path))
        assert watching.wait(60) == 1
        last = watching.stdout.read().splitlines()[-1]
        assert last == f"run is gone: {folder.path} was deleted or moved away, and its engine ends."
        assert watching.stderr.read() == ""
    is_left(folder, process, said, children)


def test_a_moved_folder_ends_its_engine_and_stays_whole(living: Living) -> None:
    folder, process, said = living
    children = psutil.Process(process.pid).children(recursive=True)
    moved = RunFolder(folder.path.rename(folder.path.with_name("moved")))
    is_left(folder, process, said, children)
    assert observed_state(moved, status_of(moved)) == "CRASHED"
    saved = find_checkpoints(moved)
    assert saved and not any(one.damage() for one in saved)


def try_to_remove(path: Path) -> bool:
    """`rm -rf`: whoever writes into the folder meanwhile may make it fail, and then it is called again."""
    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()
