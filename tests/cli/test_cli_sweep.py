"""`accel sweep` with a stand-in for the engines: what is run, and who may end it; real ones are swept in tests/e2e."""

import json
import os
import signal
import stat
import subprocess
import sys
import time

import psutil
import pytest
from calling import Accel
from sweeping import GRID, coordination, go, of, pids, states, until

from acceltui.recipe.resolved import load_resolved
from acceltui.runs.liveness import process_lives
from acceltui.runs.notes import read_notes
from acceltui.runs.sweeps import is_coordinated, read_manifest


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


def test_a_disk_that_is_full_for_a_while_costs_no_job(accel: Accel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFUSALS", "2")
    done = accel("sweep", *GRID, "--name", "tight")
    assert done.returncode == 0 and "4 of 4 finished" in done.stdout
    assert "No space left on device" in of(accel, "tight").log.read_text()


def test_a_disk_that_stays_full_is_the_reason_that_is_told(accel: Accel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFUSALS", "99")
    done = accel("sweep", *GRID, "--name", "full")
    assert done.returncode == 1 and "4 failed" in done.stdout
    named = [line for line in done.stdout.splitlines() if line.startswith("  full-small-")]
    assert len(named) == 4 and all("No space left on device" in line for line in named)


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


def test_two_coordinators_never_share_a_sweep(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "alone", "--detach", engine="hold")
    folder = of(accel, "alone")
    call = [sys.executable, "-m", "acceltui.launch.coordinator", str(folder.path)]
    second = subprocess.run(call, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert second.stdout == "Another coordinator has the sweep alone.\n"
    assert is_coordinated(folder, coordination(folder))


def test_a_coordinator_that_died_on_another_host_is_replaced(accel: Accel) -> None:
    # As after a container has begun anew under another name: nothing tells but that nobody holds the lock.
    accel("sweep", *GRID, "--name", "moved", "--detach", engine="hold")
    folder = of(accel, "moved")
    until(lambda: states(accel) == ["RUNNING", "RUNNING"])
    psutil.Process(coordination(folder).pid).kill()
    until(lambda: not is_coordinated(folder, coordination(folder)))
    before = coordination(folder).model_copy(update={"host": "another", "pid": 1})
    folder.coordinator.write_text(before.model_dump_json())
    go(accel)
    assert accel("sweep", *GRID, "--name", "moved").returncode == 0
    assert coordination(folder).state == "over"


def test_a_coordinator_at_work_on_another_host_is_left_alone(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "far", "--detach", engine="hold")
    folder = of(accel, "far")
    pid = coordination(folder).pid
    folder.coordinator.write_text(coordination(folder).model_copy(update={"host": "another"}).model_dump_json())
    accel("sweep", *GRID, "--name", "far", "--detach")
    assert psutil.pid_exists(pid)
    assert coordination(folder).host == "another", "no second one has begun"
