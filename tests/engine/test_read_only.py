"""Runs on a file system that is read-only, or becomes so under a living engine."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from engine_process import engine_command, new_run, status_of, until
from engine_recipes import small
from small_disk import Disk, small_disk

from acceltui.runs.checkpoints import find_checkpoints
from acceltui.runs.files import seal
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import observed_state
from acceltui.runs.status import Status, this_host, write_status


@pytest.fixture
def ext4(tmp_path: Path) -> Iterator[Disk]:
    """A file system that makes itself read-only when it is damaged, as most do."""
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(32 << 20)
    try:
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", image], check=True)
    except FileNotFoundError:
        pytest.skip("there is no mkfs.ext4")
    with small_disk(tmp_path / "disk", f"-t ext4 -o loop,errors=remount-ro {image}") as mounted:
        yield mounted


def test_an_engine_whose_disk_becomes_read_only_goes_on_until_it_is_told_to_leave(ext4: Disk, tmp_path: Path) -> None:
    """Its readers can tell that something is wrong; what was saved stays whole, and it does not claim to have ended."""
    folder, said = (
        new_run(ext4.seen, small(accelerator={"steps": 10_000_000}, log={"tensorboard": True})),
        tmp_path / "said",
    )
    with said.open("wb") as file:
        command = ext4.inside(*engine_command("run", ext4.path / "run"))
        process = subprocess.Popen(command, stdout=file, stderr=file, cwd=tmp_path)
    try:
        until(lambda: len(find_checkpoints(folder)) >= 2 or process.poll() is not None)
        device = subprocess.check_output(ext4.inside("findmnt", "-no", "SOURCE", str(ext4.path)), text=True)
        trigger = Path("/sys/fs/ext4", Path(device.strip()).name, "trigger_fs_error")
        try:
            trigger.write_text("as of a broken disk")
        except OSError as error:
            pytest.skip(f"no file system can be broken here: {error}")
        before = psutil.Process(process.pid).cpu_times().user
        until(lambda: process.poll() is not None or psutil.Process(process.pid).cpu_times().user > before + 2)
        until(lambda: "no checkpoint at step" in said.read_text())
        assert process.poll() is None
        process.terminate()
        assert process.wait(60) == 1
    finally:
        process.kill()
        process.wait()
    assert "Read-only file system" in said.read_text()
    assert "Traceback" not in said.read_text()
    assert observed_state(folder, status_of(folder)) == "CRASHED"
    saved = find_checkpoints(folder)
    assert len(saved) >= 2 and not any(one.damage() for one in saved)


def test_on_a_read_only_disk_runs_can_be_looked_at_and_nothing_more(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "-t tmpfs -o size=4m tmpfs") as disk:
        folder = new_run(disk.seen, small())
        lay_a_checkpoint(folder)
        folder.log.write_text("step 7: all well\n")
        write_status(folder, Status("STOPPED", step=7, pid=1, pid_started=1.0, host=this_host(), run="run"))
        elsewhere = new_run(disk.seen, small(), name="elsewhere")
        write_status(elsewhere, Status("RUNNING", step=9, pid=1, pid_started=1.0, host="elsewhere", run="elsewhere"))
        # Its next heartbeats are in the future, so that it lives however long this test takes.
        os.utime(elsewhere.status, (time.time() + 300,) * 2)
        there = sorted(disk.seen.rglob("*"))
        if subprocess.run(disk.inside("mount", "-o", "remount,ro", str(disk.path)), check=False).returncode:
            pytest.skip("nobody may make a file system read-only here")

        def accel(*words: str) -> tuple[int, str, str]:
            command = [sys.executable, "-m", "acceltui", *words, "--runs-dir", str(disk.path)]
            done = subprocess.run(
                disk.inside(*command), capture_output=True, text=True, cwd=tmp_path, stdin=subprocess.DEVNULL
            )
            return done.returncode, done.stdout, done.stderr

        for words, said in (
            (("run", "pendulum_quick"), "cannot be made: Read-only file system.\n"),
            (("resume", "run"), "cannot be used: Read-only file system.\n"),
            (("resume", "run", "--foreground"), "cannot be used: Read-only file system.\n"),
            (("fork", "run"), "cannot be made: Read-only file system.\n"),
        ):
            code, out, error = accel(*words)
            assert (code, out) == (2, ""), error
            assert error.endswith(said) and "Traceback" not in error
            assert error.count("\n") <= 2, "the sentence, and before it that it begins"
        code, out, _ = accel("ls", "--json")
        assert code == 0
        assert {run["run"]: run["state"] for run in json.loads(out)} == {"run": "STOPPED", "elsewhere": "RUNNING"}
        for words, shown in (
            (("status", "run"), "STOPPED"),
            (("status", "elsewhere"), "RUNNING"),
            (("attach", "run"), "run STOPPED at step 7.\n"),
            (("log", "run"), "step 7: all well\n"),
        ):
            code, out, error = accel(*words)
            assert (code, error) == (0, "") and shown in out
        assert sorted(disk.seen.rglob("*")) == there


def lay_a_checkpoint(folder: RunFolder) -> None:
    """Enough of one to be found, and to be compared with the recipe."""
    path = folder.checkpoints / "0000000007-1"
    path.mkdir()
    recipe = path / "recipe.yaml"
    recipe.write_bytes(folder.resolved.read_bytes())
    manifest: dict[str, Any] = {"version": 3, "step": 7, "stage": "online", "attempt": 1, "why": ["command"]}
    manifest |= {
        "time": 0.0,
        "leaving": None,
        "files": {"recipe.yaml": seal(recipe)},
        "replays": {},
        "versions": {},
        "scratch": False,
    }
    (path / "manifest.json").write_text(json.dumps(manifest))
