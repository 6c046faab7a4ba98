"""A second engine on a folder is refused and harms nothing of the first one's."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from engine_process import engine, engine_command, new_run, rows, status_of, until
from engine_recipes import small

from acceltui.runs.checkpoints import find_checkpoints
from acceltui.runs.folder import RunFolder

LONG: dict[str, Any] = {"accelerator": {"steps": 10_000_000}, "evaluation": {"every": 1_000_000}}
LONG |= {"checkpoint": {"every": 60, "keep": 1_000}}
"""It throws nothing away by itself."""


def accel(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "acceltui", *words, "--runs-dir", str(root)]
    return subprocess.run(command, capture_output=True, text=True, cwd=root, stdin=subprocess.DEVNULL)


def files(folder: RunFolder) -> dict[str, int]:
    """All but what the living engine writes again each second."""
    found = (path for path in folder.path.rglob("*") if path.is_file() and path != folder.status)
    return {str(path): path.stat().st_ino for path in found if "/." not in str(path)}


def test_a_second_engine_harms_nothing_and_a_dead_ones_lock_holds_nobody_up(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    root.mkdir()
    folder = new_run(root, small(**LONG))
    with folder.log.open("wb") as log:
        process = subprocess.Popen(engine_command("run", folder.path), stdout=log, stderr=log)
    try:
        until(lambda: len(find_checkpoints(folder)) >= 2 or process.poll() is not None)
        before, known = files(folder), rows(folder)
        for words in (
            ("resume", "run"),
            ("run", "pendulum_quick", "--name", "run"),
        ):
            done = accel(root, *words)
            assert (done.returncode, done.stdout) == (2, "")
            assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
        done = engine("run", folder.path, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"Another engine runs in {folder.path}: attach to it, or stop it first.\n"
        assert status_of(folder).pid == process.pid and status_of(folder).attempt == 1
        assert rows(folder)[: len(known)] == known
        assert before.items() <= files(folder).items()
        assert not any(one.damage() for one in find_checkpoints(folder))

        # Its heartbeat goes to the original: the copy is that of a run whose engine is elsewhere.
        copied = RunFolder(shutil.copytree(folder.path, root / "copied", ignore=shutil.ignore_patterns(".*")))
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    left, last = files(folder), rows(folder)
    assert folder.lock.exists() and copied.lock.exists()
    with copied.log.open("wb") as log:
        process = subprocess.Popen(engine_command("resume", copied.path), stdout=log, stderr=log)
    try:
        until(lambda: status_of(copied).step > status_of(folder).step or process.poll() is not None)
        assert process.poll() is None, copied.log.read_text()
        assert status_of(copied).attempt == 2
    finally:
        process.kill()
        process.wait()
    assert (files(folder), rows(folder)) == (left, last)
