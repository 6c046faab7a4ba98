"""`accel sweep` and `accel sweeps`, with a stand-in for the engines; real ones are swept in tests/e2e."""

import contextlib
import fcntl
import json
import os
import pty
import signal
import stat
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pyte
import pytest
from calling import WITH_STAND_IN, Accel
from test_cli_watch import read_until

from acceltui.recipe.resolved import load_resolved
from acceltui.runs.liveness import process_lives
from acceltui.runs.notes import read_notes
from acceltui.runs.status import read_status
from acceltui.runs.sweeps import Coordination, SweepFolder, read_coordination, read_manifest, sweep_folder

GRID = ("small.yaml", "method=accelerated,scratch", "--seeds", "2")


@pytest.fixture
def accel(accel: Accel) -> Iterator[Accel]:
    yield accel
    for path in (accel.folder / "runs").glob("*.sweep"):
        coordination = read_coordination(SweepFolder(path))
        if coordination and coordination.lives:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(coordination.pid).kill()


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


def test_each_job_is_run_and_leaves_a_result(accel: Accel) -> None:
    done = accel("sweep", *GRID, "--name", "compare")
    assert done.returncode == 0, done.stderr
    assert "compare is over: 4 of 4 finished, 0 running, 0 waiting, 0 failed." in done.stdout
    assert states(accel) == ["FINISHED"] * 4
    manifest = read_manifest(of(accel, "compare"))
    assert {run.name for run in accel.runs} == {job.run for job in manifest.jobs}
    results = {path.stem: json.loads(path.read_text()) for path in (accel.folder / "results").iterdir()}
    assert results.keys() == {job.id for job in manifest.jobs}
    made = {(result["method"], result["seed"]) for result in results.values()}
    assert made == {(method, seed) for method in ("accelerated", "scratch") for seed in (1, 2)}
    assert len(accel("ls", "compare", "--plain").stdout.splitlines()) == 4
    assert {read_notes(run).tags for run in accel.runs} == {("compare",)}
    command = results[manifest.jobs[-1].id]["command"]
    assert command.startswith("accel run small.yaml method=scratch seed=2 engine.threads=")


def test_the_folder_of_a_sweep_is_private_and_no_run(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "compare")
    folder = of(accel, "compare")
    assert {run.name[-6:] for run in accel.runs}.isdisjoint({".sweep"})
    assert folder.path.name not in accel("ls", "--plain").stdout
    paths = [folder.path, *folder.path.rglob("*")]
    assert len([path for path in paths if path.suffix == ".yaml"]) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o700, 0o600}
    assert [path for path in folder.root.iterdir() if path.name.startswith(".")] == []


def test_what_is_edited_afterwards_changes_nothing(accel: Accel) -> None:
    words = ("sweep", "small.yaml", "--seeds", "2", "--workers", "1", "--name", "frozen")
    accel(*words, "--detach", engine="hold")
    until(lambda: states(accel) == ["RUNNING"])
    (accel.folder / "small.yaml").write_text("this is no recipe")
    go(accel)
    done = accel("sweeps", "frozen")
    assert done.returncode == 0, done.stdout + done.stderr
    assert states(accel) == ["FINISHED"] * 2
    first, second = (load_resolved(run.resolved) for run in accel.runs)
    assert first.model_copy(update={"seed": second.seed}) == second
    again = accel(*words)
    assert (again.returncode, states(accel)) == (0, ["FINISHED"] * 2), again.stderr


def test_a_job_whose_result_is_there_is_not_run(accel: Accel) -> None:
    planned = [json.loads(line) for line in accel("sweep", *GRID, "--dry-run", "--json").stdout.splitlines()]
    assert [path.name for path in accel.folder.iterdir()] == ["small.yaml"], "a dry run makes nothing"
    assert {job["result"] for job in planned} == {False}
    assert [job["cell"] for job in planned] == [
        [f"method={method}", f"seed={seed}"] for seed in (1, 2) for method in ("accelerated", "scratch")
    ]
    results = accel.folder / "elsewhere"
    results.mkdir()
    for job in planned[:3]:
        (results / f"{job['id']}.json").write_text("kept")
    assert accel("sweep", *GRID, "--results", "elsewhere", "--dry-run").stdout.count("its result is there") == 3
    done = accel("sweep", *GRID, "--results", "elsewhere", "--name", "rest")
    assert done.returncode == 0, done.stderr
    assert [run.name for run in accel.runs] == [f"rest-{planned[3]['id']}"]
    assert "4 of 4 finished" in done.stdout
    assert sorted(path.name for path in results.iterdir()) == sorted(f"{job['id']}.json" for job in planned)
    assert (results / f"{planned[0]['id']}.json").read_text() == "kept"


def test_combinations_that_come_to_the_same_are_done_once(accel: Accel) -> None:
    done = accel("sweep", "small.yaml", "seed=1,01,2", "log.every=500,500", "--name", "same")
    assert done.returncode == 0, done.stderr
    assert "2 jobs, 4 cells are like others" in done.stderr
    assert len(accel.runs) == 2


def test_a_failed_job_is_counted_and_the_others_go_on(accel: Accel) -> None:
    done = accel("sweep", *GRID, "--name", "half", "--workers", "1", engine="second")
    assert done.returncode == 1
    assert "half is over: 2 of 4 finished, 0 running, 0 waiting, 2 failed." in done.stdout
    named = [line for line in done.stdout.splitlines() if line.startswith("  half-small-")]
    assert len(named) == 2 and all("-s2-" in line and "failed: env.id: no such id" in line for line in named)
    assert states(accel) == ["FAILED", "FAILED", "FINISHED", "FINISHED"]
    before = pids(accel)
    again = accel("sweep", *GRID, "--name", "half")
    assert (again.returncode, pids(accel)) == (1, before), "what has failed is not tried again"
    assert "2 of 4 finished, 0 running, 0 waiting, 2 failed" in again.stdout


def test_an_engine_that_dies_again_and_again_is_given_up(accel: Accel) -> None:
    done = accel("sweep", "small.yaml", "--name", "dies", engine="killed")
    assert done.returncode == 1
    assert "1 failed" in done.stdout and "its engine ended 3 times without coming further" in done.stdout
    assert len(accel.runs) == 3, "each try without a checkpoint begins anew"


def test_no_more_engines_than_workers_at_once(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "two", "--workers", "2", "--detach", engine="hold")
    until(lambda: states(accel) == ["RUNNING"] * 2)
    log = of(accel, "two").log
    time.sleep(1.5)  # looks of the coordinator
    assert states(accel) == ["RUNNING"] * 2, log.read_text()
    [sweep] = json.loads(accel("sweeps", "--json").stdout)
    told = {key: sweep[key] for key in ("state", "jobs", "finished", "running", "waiting", "workers")}
    assert told == {"state": "running", "jobs": 4, "finished": 0, "running": 2, "waiting": 2, "workers": 2}
    go(accel)
    assert accel("sweeps", "two").returncode == 0
    assert states(accel) == ["FINISHED"] * 4


def test_threads_are_shared_out_but_for_recipes_that_say_them(accel: Accel) -> None:
    cores = len(os.sched_getaffinity(0))
    accel("sweep", "small.yaml", "--name", "one", "--workers", "1")
    accel("sweep", "small.yaml", "--name", "all", "--results", "others")
    said = accel("sweep", "small.yaml", "engine.threads=7", "--name", "said", "--results", "yet-others")
    assert f"{cores} at once with 7 threads each ..." in said.stderr
    threads = {run.name.partition("-")[0]: load_resolved(run.resolved).engine.threads for run in accel.runs}
    assert threads == {"one": cores, "all": 1, "said": 7}
    assert read_manifest(of(accel, "all")).workers == cores


def test_a_killed_coordinator_s_engine_is_taken_over(accel: Accel) -> None:
    words = ("sweep", "small.yaml", "--seeds", "2", "--workers", "1", "--name", "lost")
    accel(*words, "--detach", engine="hold")
    until(lambda: states(accel) == ["RUNNING"])
    before = pids(accel)
    os.kill(coordination(of(accel, "lost")).pid, signal.SIGKILL)
    gone = accel("sweeps", "lost")
    assert gone.returncode == 1
    assert "lost is gone: 0 of 2 finished, 1 running" in gone.stdout and "lost its coordinator" in gone.stderr
    accel(*words, "--detach", engine="hold")
    until(lambda: "taken over" in of(accel, "lost").log.read_text())
    time.sleep(1.5)
    assert pids(accel) == before, "neither is it started again, nor another beside it"
    go(accel)
    done = accel("sweeps", "lost")
    assert done.returncode == 0 and "2 of 2 finished" in done.stdout
    assert pids(accel).items() >= before.items()
    assert len(list((accel.folder / "results").iterdir())) == 2


def test_what_a_killed_coordinator_left_running_can_be_stopped(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "left", "--workers", "2", "--detach", engine="hold")
    until(lambda: states(accel) == ["RUNNING"] * 2)
    before = pids(accel)
    os.kill(coordination(of(accel, "left")).pid, signal.SIGKILL)
    done = accel("sweeps", "left", "--stop")
    assert done.returncode == 0, done.stderr
    assert "left is stopped: 0 of 4 finished, 0 running, 4 waiting, 0 failed." in done.stdout
    for pid in before.values():
        assert pid is not None and not process_lives(pid, None)
    assert pids(accel) == before, "no other has begun"
    go(accel)
    assert accel("sweep", *GRID, "--name", "left").returncode == 0


def test_a_second_call_watches_the_coordinator_that_is_there(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "once", "--detach", engine="hold")
    first = coordination(of(accel, "once")).pid
    again = accel("sweep", *GRID, "--name", "once", "--detach")
    assert (again.returncode, again.stdout) == (0, "once\n")
    assert coordination(of(accel, "once")).pid == first
    assert "Another coordinator" not in of(accel, "once").log.read_text()
    other = accel("sweep", *GRID, "--name", "once", "--workers", "3")
    assert (other.returncode, other.stderr) == (
        2,
        "The sweep once is running: --workers can change when it is stopped.\n",
    )


def test_an_interrupt_ends_the_watching_alone(accel: Accel) -> None:
    with accel.start(
        "sweep", *GRID, "--name", "on", "--workers", "1", engine="hold", start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert " running (0 of 4 finished, 1 running, 3 waiting, 0 failed)" in process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "The sweep goes on. To watch it: accel sweeps on; to end it: accel sweeps on --stop" in err
    assert coordination(of(accel, "on")).lives and states(accel) == ["RUNNING"]
    go(accel)
    assert accel("sweeps", "on").returncode == 0


def test_the_coordinator_outlives_who_started_it(accel: Accel) -> None:
    done = accel("sweep", *GRID, "--name", "own", "--detach", "--json", engine="hold")
    told = json.loads(done.stdout)
    assert (told["sweep"], told["state"], told["jobs"]) == ("own", "running", 4)
    pid = coordination(of(accel, "own")).pid
    assert os.getsid(pid) == pid
    os.kill(pid, signal.SIGHUP)
    time.sleep(0.5)
    assert psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_run_that_somebody_stops_stays_stopped_until_the_next_call(accel: Accel) -> None:
    words = ("sweep", "small.yaml", "--seeds", "2", "--workers", "1", "--name", "mine")
    accel(*words, "--detach", engine="serve")
    until(lambda: states(accel) == ["RUNNING"])
    [first] = accel.runs
    assert accel("stop", first.name).returncode == 0
    until(lambda: states(accel) == ["RUNNING", "STOPPED"])
    [second] = [run for run in accel.runs if run.name != first.name]
    assert accel("stop", second.name).returncode == 0
    done = accel("sweeps", "mine")
    assert done.returncode == 0
    assert "mine is over: 0 of 2 finished, 0 running, 0 waiting, 0 failed, 2 stopped." in done.stdout
    accel(*words)
    assert states(accel).count("FINISHED") == 2


def test_scripts_get_a_line_for_each_change(accel: Accel) -> None:
    done = accel("sweep", *GRID, "--name", "told", "--json", engine="second")
    assert done.returncode == 1
    *changes, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert {change["run"] for change in changes} == {run.name for run in accel.runs}
    ended = {(change["seed"], change["state"]) for change in changes if change["state"] != "running"}
    assert ended == {(1, "finished"), (2, "failed")}
    assert (last["state"], last["jobs"], last["finished"], last["failed"]) == ("over", 4, 2, 2)
    assert {job["reason"] for job in last["not_finished"]} == {"env.id: no such id"}


def test_on_a_terminal_a_table_is_redrawn_in_place(accel: Accel) -> None:
    terminal, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 160, 0, 0))
    words = [sys.executable, str(WITH_STAND_IN), "sweep", *GRID, "--name", "shown", "--workers", "2"]
    variables = {"STAND_IN": "hold", "TERM": "xterm", "COLUMNS": "160", "LINES": "24"}
    environment = {key: value for key, value in os.environ.items() if key != "ACCEL_RUNS"} | variables
    with subprocess.Popen(words, cwd=accel.folder, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        data = read_until(terminal, b"  RUNNING  ")
        while [line.split()[2:3] for line in shown(data)[3:5]] != [["RUNNING"]] * 2:
            data += os.read(terminal, 65536)
        first = shown(data)
        go(accel)
        data = read_until(terminal, b"", data)
        assert process.wait(60) == 0
    os.close(terminal)
    assert first[1] == "shown: 0 of 4 finished, 2 running, 2 waiting, 0 failed"
    assert first[2].split() == ["JOB", "STATE", "STAGE", "STEP", "TRANSFORMER", "ACCELERATOR", "LEFT"]
    assert first[3].split()[:5] == ["method=accelerated", "seed=1", "RUNNING", "accelerate", "1,000/4,000"]
    last = shown(data)
    assert [line.split()[2:5] for line in last[3:7]] == [["finished", "accelerate", "1,000/4,000"]] * 4, last
    assert last[-1] == "shown is over: 4 of 4 finished, 0 running, 0 waiting, 0 failed."
    assert len(last) == 8, "lines were added"


def shown(data: bytes) -> list[str]:
    screen = pyte.Screen(160, 24)
    pyte.ByteStream(screen).feed(data)
    return [line.rstrip() for line in screen.display if line.strip()]


def test_sweeps_are_listed_newest_first(accel: Accel) -> None:
    assert "No sweeps in" in accel("sweeps").stderr
    for seeds in ("2", "4"):
        assert accel("sweep", "small.yaml", "--seeds", seeds).returncode == 0
    heading, *lines = [line.split() for line in accel("sweeps").stdout.splitlines()]
    assert heading == ["NAME", "STATE", "FINISHED", "RUNNING", "WAITING", "FAILED", "AGE"]
    assert [line[:6] for line in lines] == [
        ["small-2", "over", "4/4", "0", "0", "0"],
        ["small", "over", "2/2", "0", "0", "0"],
    ]
    plain = [line.split("\t") for line in accel("sweeps", "--plain").stdout.splitlines()]
    assert [line[:8] for line in plain] == [
        ["small-2", "over", "4", "4", "0", "0", "0", "0"],
        ["small", "over", "2", "2", "0", "0", "0", "0"],
    ]
    assert len(accel.runs) == 4, "the results of the first were there for the second"


def test_a_manifest_that_someone_wrote_leads_nowhere_else(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "good")
    folder = of(accel, "good")
    document = json.loads(folder.manifest.read_text())
    document["jobs"][0]["run"] = "../elsewhere"
    folder.manifest.write_text(json.dumps(document))
    for words in (("sweeps", "good"), ("sweep", *GRID, "--name", "good")):
        done = accel(*words)
        assert done.returncode == 2 and "manifest.json cannot be read: jobs.0.run" in done.stderr
    assert accel("sweeps").returncode == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sweep", "nowhere.yaml"], "nowhere.yaml"),
        (["sweep", "small.yaml", "method=scratch,skratch"], "cell method=skratch: override 1: method=skratch"),
        (["sweep", "small.yaml", "env.id=A,"], "not values with commas between them"),
        (["sweep", "small.yaml", "--seeds", "none"], "--seeds none: not a number of seeds"),
        (["sweep", "small.yaml", "--name", "Upper"], "'Upper' cannot name a sweep"),
        (["sweep", "small.yaml", "--name", "../x"], "cannot name a sweep"),
        (["sweep", "small.yaml", "--results", "small.yaml"], "small.yaml is no folder"),
        (["sweep", "small.yaml", "--runs-dir", "small.yaml"], "cannot be made"),
        (["sweep", "small.yaml", "env.id=mine:A-v1"], "--allow-import"),
        (["sweeps", "nothing"], "No sweep in"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(accel: Accel, words: list[str], says: str) -> None:
    done = accel(*words)
    assert done.returncode == 2
    assert says in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stdout == ""
    assert [path.name for path in accel.folder.iterdir()] == ["small.yaml"]


@pytest.mark.parametrize(
    "words",
    [["sweep", "small.yaml", "--workers", "0"], ["sweep"], ["sweeps", "--stop"], ["sweeps", "--json", "--plain"]],
)
def test_a_wrong_call_exits_with_2(accel: Accel, words: list[str]) -> None:
    assert accel(*words).returncode == 2


def test_an_environment_that_there_is_not_is_found_before_anything_is_made(accel: Accel) -> None:
    done = accel("sweep", *GRID, engine="wrong")
    assert done.returncode == 2
    assert "env.id: no such environment; try Pendulum-v1" in done.stderr and len(done.stderr.splitlines()) == 1
    assert [path.name for path in accel.folder.iterdir()] == ["small.yaml"]


def test_another_grid_is_refused_under_a_name_that_is_taken(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "taken")
    before = of(accel, "taken").manifest.read_bytes()
    for words in (["small.yaml", "--seeds", "2"], [*GRID[:-1], "3"], ["pendulum_quick", *GRID[1:]]):
        done = accel("sweep", *words, "--name", "taken")
        assert done.returncode == 2
        assert "The sweep taken is of another grid, `accel sweep small.yaml method=" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert of(accel, "taken").manifest.read_bytes() == before


def test_a_result_that_cannot_be_written_is_a_warning(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "kept", "--workers", "1", "--detach", engine="hold")
    (accel.folder / "results").write_text("in the way")
    go(accel)
    done = accel("sweeps", "kept")
    assert done.returncode == 0 and "4 of 4 finished" in done.stdout
    assert of(accel, "kept").log.read_text().count("warning: the result of kept-") == 4
    (accel.folder / "results").unlink()
    assert accel("sweep", *GRID, "--name", "kept").returncode == 0
    assert len(list((accel.folder / "results").iterdir())) == 4


def test_what_has_ended_cannot_be_stopped(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "ended")
    done = accel("sweeps", "ended", "--stop")
    assert (done.returncode, done.stderr) == (3, "ended is over: there is nothing to stop.\n")


def test_two_coordinators_never_share_a_sweep(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "alone", "--detach", engine="hold")
    folder = of(accel, "alone")
    call = [sys.executable, "-m", "acceltui.launch.coordinator", str(folder.path)]
    second = subprocess.run(call, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert second.stdout == "Another coordinator has the sweep alone.\n"
    assert coordination(folder).lives
