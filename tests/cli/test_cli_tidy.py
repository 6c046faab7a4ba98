"""rm and gc: what goes, what stays, and that nothing goes unasked."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acceltui.cli import app
from acceltui.launch import resume
from acceltui.runs.checkpoints import find_checkpoints, segments_folder
from acceltui.runs.files import seal
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import own_start, process_start
from acceltui.runs.lock import engine_lock
from acceltui.runs.paths import RunError, create_run_folder
from acceltui.runs.space import Waste, find_waste, remove
from acceltui.runs.status import Status, this_host, write_status

STATUS = Status(state="FINISHED", step=40, pid=5, pid_started=1.0, host=this_host())
ACCEL = [sys.executable, "-m", "acceltui"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACCEL_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("ACCEL_SCRATCH", str(tmp_path / "node"))
    return tmp_path / "runs"


def make(root: Path, name: str, *, measured: bool = True, **values: object) -> RunFolder:
    """A run with a checkpoint whose replay is a megabyte, as long as it was measured."""
    folder = create_run_folder(root, "recipe", 1, name=name)
    write_status(folder, replace(STATUS, run=name, **values))
    folder.metrics.touch()
    if measured:
        folder.metrics.write_text('{"step": 0, "attempt": 1}\n')
        path = folder.checkpoints / "0000000040-1"
        path.mkdir()
        folder.replay.mkdir()
        segment = folder.replay / "accelerate-1-aa.safetensors"
        segment.write_bytes(bytes(1 << 20))
        (path / "recipe.yaml").touch()
        entry = {"file": segment.name, "first": [0], "last": [9], **seal(segment)}
        (path / "manifest.json").write_text(
            json.dumps(
                {
                    "version": 3,
                    "step": 40,
                    "stage": "accelerate",
                    "attempt": 1,
                    "why": ["end"],
                    "leaving": None,
                    "time": 1.0,
                    "versions": {},
                    "files": {"recipe.yaml": seal(path / "recipe.yaml")},
                    "replays": {"accelerate": [entry]},
                    "scratch": False,
                }
            )
        )
        assert not find_checkpoints(folder)[0].damage()
    return folder


def accel(*words: str, code: int = 0) -> str:
    """All that `accel WORDS` prints."""
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.output
    return result.output


def test_runs_go_with_what_they_have_on_a_scratch_disk_and_others_stay(root: Path) -> None:
    one, other = make(root, "one"), make(root, "other")
    place = segments_folder(one, scratch=True)
    assert place is not None
    place.mkdir(parents=True)
    (place / "a.safetensors").write_bytes(bytes(3 << 20))
    said = accel("rm", "one", str(one.path), "--yes")
    assert said.splitlines()[0].split() == ["4.0M", "one"] and said.endswith("Removed 4.0M.\n")
    assert not one.path.exists() and not place.exists() and other.path.exists()


def test_nothing_goes_where_nobody_can_be_asked(root: Path) -> None:
    folder = make(root, "one")
    assert "give --yes" in accel("rm", "one", code=2)
    assert folder.path.exists()


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 3), ("", 3)])
def test_a_person_is_asked(root: Path, answer: str, code: int) -> None:
    folder = make(root, "one")
    typed = f"printf '{answer}\\n' | script -qec '{' '.join(ACCEL)} rm one' /dev/null"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", typed], capture_output=True, text=True, timeout=60)
    assert "Remove 1.0M for good?" in done.stdout
    assert done.returncode == code
    assert folder.path.exists() == (code != 0)


def test_a_living_run_stays(root: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as engine:
        living = {"state": "RUNNING", "pid": engine.pid, "pid_started": process_start(engine.pid)}
        folder = make(root, "one", **living)
        assert accel("rm", "one", "--yes", code=2) == "one runs: `accel stop one` first.\n"
        (folder.checkpoints / ".0000000050-1.part").mkdir()
        assert "nothing to remove" in accel("gc", "--yes", "--replays")
        engine.kill()
    with engine_lock(folder):
        assert "Another engine runs" in accel("rm", "one", "--yes", code=3)
    assert (folder.checkpoints / ".0000000050-1.part").exists()


def test_a_link_to_a_run_is_no_run_to_remove(root: Path, tmp_path: Path) -> None:
    folder = make(tmp_path / "elsewhere", "one")
    root.mkdir()
    (root / "link").symlink_to(folder.path)
    accel("rm", "link", "--yes", code=2)
    assert folder.metrics.exists()


def test_gc_takes_what_never_began_and_what_was_left_behind(root: Path) -> None:
    never = make(root, "never", measured=False, state="FAILED")
    failed, killed = make(root, "failed", state="FAILED"), make(root, "killed", state="PREEMPTED")
    for name in (".0000000050-1.part", ".0000000030-1.gone"):
        (killed.checkpoints / name).mkdir()
        (killed.checkpoints / name / "critic.safetensors").write_bytes(bytes(1000))
    (killed.checkpoints / ".mine").mkdir()
    said = accel("gc", "--yes")
    assert "never: never began" in said and "killed: left behind by an engine that was killed" in said
    assert not never.path.exists() and failed.path.exists()
    assert {path.name for path in killed.checkpoints.iterdir()} == {"0000000040-1", ".mine"}
    assert "There is nothing to remove" in accel("gc", "--yes")


def test_replays_of_finished_runs_go_when_asked_and_their_checkpoints_stay_whole(root: Path) -> None:
    finished, stopped = make(root, "finished"), make(root, "stopped", state="STOPPED")
    assert "There is nothing to remove" in accel("gc", "--yes")
    assert "finished: replay of a FINISHED run" in accel("gc", "--replays", "--yes")
    (found,) = find_checkpoints(finished)
    assert not found.damage() and not found.replays() and not finished.replay.exists()
    assert find_checkpoints(stopped)[0].replays() and stopped.replay.exists()


def test_what_has_begun_while_a_person_was_asked_stays(root: Path) -> None:
    folder = make(root, "one", measured=False, state="FAILED")
    (waste,) = find_waste(folder, replays=False)
    write_status(folder, Status(state="STARTING", pid=os.getpid(), pid_started=own_start(), host=this_host()))
    remove(waste)
    assert folder.path.exists()
    with pytest.raises(RunError, match="one runs"):
        remove(Waste(folder, "", (folder.path,)))
    assert folder.path.exists()


def test_a_run_of_a_machine_that_died_can_go(root: Path) -> None:
    folder = make(root, "one", state="RUNNING", host="elsewhere", pid=5)
    os.utime(folder.status, (1.0, 1.0))
    accel("rm", "one", "--yes")
    assert not folder.path.exists()


def test_a_job_does_not_move_a_run_aside_that_an_engine_holds(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "GONE_WITHIN", 0.2)
    folder = make(root, "one", measured=False, state="RUNNING")
    with engine_lock(folder), pytest.raises(RunError, match="Another engine runs"):
        resume.has_begun(folder)
    assert folder.path.exists()
    assert not resume.has_begun(folder)
    assert not folder.path.exists() and (root / "one-1").exists()
