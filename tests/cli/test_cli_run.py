"""`accel run`, with a stand-in for the engine's process; the real one is tested in tests/e2e."""

import json
import os
import shlex
import signal
import stat

import pytest
from calling import Accel

from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import observed_state
from acceltui.runs.status import Status, read_status


def status_of(run: RunFolder) -> Status:
    status = read_status(run)
    assert status is not None
    return status


def test_without_a_terminal_lines_are_printed_until_the_engine_ends(accel: Accel) -> None:
    done = accel("run", "small.yaml", "seed=3")
    assert done.returncode == 0
    [run] = accel.runs
    assert run.name.startswith("small-s3-")
    assert "start: begun on cpu" in done.stdout
    assert "step 1,000/4,000 (25%)  transformer -120  accelerator -80.2" in done.stdout
    assert f"{run.name} FINISHED at step 1,000." in done.stdout


def test_the_folder_says_how_to_repeat_the_run(accel: Accel) -> None:
    accel("run", "small.yaml", "seed=3", "env.hide=velocities", "--runs-dir", "here and there")
    [run] = [RunFolder(path) for path in (accel.folder / "here and there").iterdir()]
    assert run.recipe.read_bytes() == (accel.folder / "small.yaml").read_bytes()
    assert json.loads(run.overrides.read_text()) == ["seed=3", "env.hide=velocities"]
    assert "hide: velocities" in run.resolved.read_text()
    environment = json.loads(run.environment.read_text())
    words = shlex.split(environment["command"])
    assert words == ["accel", "run", "small.yaml", "seed=3", "env.hide=velocities", "--runs-dir", "here and there"]
    assert environment["directory"] == str(accel.folder)
    assert environment["versions"]["torch"]


def test_the_engine_works_in_its_folder_and_prints_to_its_log(accel: Accel) -> None:
    accel("run", "small.yaml", "--share")
    [run] = accel.runs
    assert f"working in {run.path}" in run.log.read_text()
    assert stat.S_IMODE(run.log.stat().st_mode) == 0o640


def test_detach_prints_the_name_and_leaves_the_engine(accel: Accel) -> None:
    done = accel("run", "small.yaml", "--detach", "--name", "mine", engine="serve")
    assert (done.returncode, done.stdout) == (0, "mine\n")
    assert "accel attach mine" in done.stderr
    [run] = accel.runs
    status = status_of(run)
    assert status.pid is not None
    assert observed_state(run, status) == "RUNNING"
    assert os.getsid(status.pid) == status.pid


def test_an_interrupt_ends_the_watching_alone(accel: Accel) -> None:
    with accel.start("run", "small.yaml", engine="serve", start_new_session=True) as process:
        assert process.stdout is not None
        # Behind a line on how far it is, where the status was there first.
        assert any("start:" in process.stdout.readline() for _ in range(2))
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    [run] = accel.runs
    assert process.returncode == 130, out + err
    assert f"The engine goes on. To watch it: accel attach {run.name}" in err
    assert observed_state(run, status_of(run)) == "RUNNING"


@pytest.mark.parametrize(
    ("engine", "code", "says"),
    [
        ("wrong", 2, "env.id: no such id\n"),
        ("crash", 1, "SystemError: boom"),
        ("preempt", 75, "PREEMPTED"),
    ],
)
def test_the_exit_code_tells_how_it_went(accel: Accel, engine: str, code: int, says: str) -> None:
    done = accel("run", "small.yaml", engine=engine)
    assert done.returncode == code
    assert says in done.stderr + done.stdout


def test_an_engine_killed_later_is_a_failed_run(accel: Accel) -> None:
    with accel.start("run", "small.yaml", engine="serve") as process:
        assert process.stdout is not None
        process.stdout.readline()
        [run] = accel.runs
        pid = status_of(run).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "CRASHED" in out and "accel log" in out


def test_foreground_is_the_engine(accel: Accel) -> None:
    with accel.start("run", "small.yaml", "--foreground", engine="preempt") as process:
        out, _ = process.communicate(timeout=60)
    [run] = accel.runs
    assert process.returncode == 75
    assert status_of(run).pid == process.pid
    assert f"working in {run.path}" in out
    assert not run.log.exists()


def test_a_dry_run_makes_nothing(accel: Accel) -> None:
    done = accel("run", "small.yaml", "online.steps=7_000", "--dry-run")
    assert done.returncode == 0
    assert "steps: 7000" in done.stdout
    assert [path.name for path in accel.folder.iterdir()] == ["small.yaml"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "nowhere.yaml"], "nowhere.yaml"),
        (["run", "small.yaml", "online.stps=3"], "steps"),
        (["run", "small.yaml", "--name", "../x"], "cannot name a run"),
        (["run", "small.yaml", "--detach", "--foreground"], "exclude each other"),
        (["run", "small.yaml", "--runs-dir", "small.yaml"], "cannot be made"),
        (["attach", "nothing"], "No run in"),
        (["status"], "There is no run in"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(accel: Accel, words: list[str], says: str) -> None:
    done = accel(*words)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""
    assert accel.runs == []


def test_attaching_without_a_terminal_waits_for_the_end(accel: Accel) -> None:
    accel("run", "small.yaml", "--name", "mine", "--detach", engine="serve")
    with accel.start("attach", "mine") as process:
        assert process.stdout is not None
        # Behind a line on how far it is, where the status was there first.
        assert any("start:" in process.stdout.readline() for _ in range(2))
        assert accel("stop", "mine").returncode == 0
        out, _ = process.communicate(timeout=60)
    assert "mine STOPPED" in out
    assert process.returncode == 0
