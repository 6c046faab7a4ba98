"""Sweeps of real engines: stopped and gone on with, and engines and coordinators that are killed."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from acceltui.runs.checkpoints import find_checkpoints
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import START_WITHIN, observed_state
from acceltui.runs.outcome import recipe_of, result_of
from acceltui.runs.paths import list_runs
from acceltui.runs.results import read_result, result_id
from acceltui.runs.status import Status, read_status, this_host
from acceltui.runs.sweeps import SweepFolder, is_coordinated, read_coordination, read_manifest, sweep_folder
from tests.e2e.conftest import Runs, eventually

SHORT = (
    "engine.device=cpu",
    "algorithm.random_steps=100",
    "algorithm.batch_size=32",
    "accelerator.steps=600",
    "online.steps=300",
    "online.clone_fade=100",
    "online.critic_warmup=0",
    "switch=null",
    "evaluation.every=300",
    "evaluation.episodes=1",
    "evaluation.num_envs=1",
    "checkpoint.every=100",
    "log.every=100",
    "log.tensorboard=false",
)
SWEEP = ("sweep", "pendulum_quick", *SHORT, "--seeds", "1,2", "--workers", "1", "--name", "pair")


@pytest.fixture
def pair(runs: Runs) -> Iterator[SweepFolder]:
    folder = sweep_folder(runs.folder / "runs", "pair")
    yield folder
    if (coordination := read_coordination(folder)) and is_coordinated(folder, coordination):
        with contextlib.suppress(ProcessLookupError):
            os.kill(coordination.pid, signal.SIGKILL)


def of_seed(runs: Runs, seed: int) -> RunFolder | None:
    return next((run for run in list_runs(runs.folder / "runs") if f"-s{seed}-" in run.name), None)


def status_of(run: RunFolder) -> Status:
    status = read_status(run)
    assert status is not None
    return status


def paused(runs: Runs, seed: int) -> RunFolder:
    """The run of that seed, paused behind its first checkpoint, however fast it is."""

    def begun() -> RunFolder | None:
        run = of_seed(runs, seed)
        status = read_status(run) if run else None
        return run if run and status and status.state != "STARTING" and status.step >= 100 else None

    run = eventually(begun, 60)
    done = runs.call("pause", run.name)
    assert done.returncode == 0, done.stderr
    eventually(lambda: status_of(run).state == "PAUSED" and find_checkpoints(run), 30)
    return run


def test_a_sweep_that_is_stopped_goes_on_where_it_stood(runs: Runs, pair: SweepFolder) -> None:
    assert runs.call(*SWEEP, "--detach").returncode == 0
    run = paused(runs, 1)
    stopped = runs.call("sweeps", "pair", "--stop")
    assert stopped.returncode == 0, stopped.stderr
    assert "pair is stopped: 0 of 2 finished, 0 running, 2 waiting, 0 failed." in stopped.stdout
    status = status_of(run)
    assert (status.state, of_seed(runs, 2)) == ("PREEMPTED", None)
    assert 100 <= status.step < 900
    assert json.loads(runs.call("sweeps", "--json").stdout)[0]["state"] == "stopped"
    done = runs.call(*SWEEP, seconds=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pair is over: 2 of 2 finished" in done.stdout
    results = [json.loads(path.read_text()) for path in (runs.folder / "results").iterdir()]
    assert sorted((result["seed"], result["attempts"]) for result in results) == [(1, 2), (2, 1)]
    assert {result["steps"]["training"] for result in results} == {900}


def test_what_is_killed_is_gone_on_with_and_what_lives_is_taken_over(runs: Runs, pair: SweepFolder) -> None:
    assert runs.call(*SWEEP, "--detach").returncode == 0
    run = paused(runs, 1)
    pid = status_of(run).pid
    coordination = read_coordination(pair)
    assert coordination is not None and pid is not None
    os.kill(coordination.pid, signal.SIGKILL)
    assert observed_state(run, status_of(run)) == "PAUSED", "the engine goes on without its coordinator"
    assert runs.call(*SWEEP, "--detach").returncode == 0
    eventually(lambda: "has an engine already: it is taken over" in pair.log.read_text(), 30)
    assert status_of(run).pid == pid
    step = find_checkpoints(run)[-1].step
    os.killpg(pid, signal.SIGKILL)
    eventually(lambda: status_of(run).attempt == 2, 60)
    done = runs.call("sweeps", "pair", seconds=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{run.name} goes on from step {step:,}" in pair.log.read_text()
    states = {run.name: (status_of(run).state, status_of(run).attempt) for run in list_runs(runs.folder / "runs")}
    assert sorted(states.values()) == [("FINISHED", 1), ("FINISHED", 2)]
    assert len(list((runs.folder / "results").iterdir())) == 2


def test_a_sweep_of_forks_begins_where_a_run_switched_and_its_results_say_so(runs: Runs, pair: SweepFolder) -> None:
    assert runs.call("run", "pendulum_quick", *SHORT, "--name", "whole", seconds=120).returncode == 0
    whole = RunFolder(runs.folder / "runs" / "whole")
    sweep = ("sweep", "whole", "online.clone_fade=0,50", "--name", "pair", "--workers", "1", "--at")
    done = runs.call(*sweep, "switch", seconds=180)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pair is over: 2 of 2 finished" in done.stdout
    original = result_of(whole)
    results = sorted(map(read_result, (runs.folder / "results").iterdir()), key=lambda result: str(result.command))
    for result, fade in zip(results, (0, 50), strict=True):
        assert result.origin == (original.id, 600)
        assert result.recipe["online.clone_fade"] == fade
        assert result.command == f"accel fork whole online.clone_fade={fade} --at 600"
        assert result.steps["training"] == 900 and result.switch_step == 600
        assert result.evaluations[:2] == original.evaluations[:2] and len(result.evaluations) == 3
        assert result.cpu["training"] and result.cpu["training"] > (original.evaluations[1]["cpu"] or 0)
    ids = {result.id for result in results}
    assert len(ids) == 2
    recipes = [recipe_of(RunFolder(whole.path.parent / f"pair-{id}")) for id in ids]
    assert not ids & set(map(result_id, recipes)), "whoever trains from the start has done something else"

    again = runs.call(*sweep, "switch")
    assert again.returncode == 0 and "pair is over: 2 of 2 finished" in again.stdout
    for words, says in (
        ((*sweep, "800"), "The sweep pair is of another grid"),
        (("sweep", "whole", "transformer.width=48,64", "--at", "switch"), "A fork cannot change transformer.width"),
        (("sweep", "whole", "--seeds", "2", "--at", "switch"), "A fork cannot change seed"),
        (("sweep", "whole", "--at", "5"), "whole has no checkpoint at '5'. There are: "),
        (("sweep", "pendulum_quick", "--at", "switch"), "pendulum_quick"),
    ):
        refused = runs.call(*words)
        assert refused.returncode == 2 and says in refused.stderr, refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    assert len(list_runs(whole.path.parent)) == 3

    # A fork that was cut off while it was made, as it stands when the machine goes down before the last file.
    job = read_manifest(pair).jobs[0]
    run = pair.run(job)
    for found in find_checkpoints(run):
        (found.path / "manifest.json").unlink()
    long_ago = Status("STARTING", time=time.time() - 2 * START_WITHIN, host=this_host(), run=run.name)
    run.status.write_text(json.dumps(asdict(long_ago)))
    pair.coordinator.unlink()
    (runs.folder / "results" / f"{job.id}.json").unlink()
    done = runs.call(*sweep, "switch", seconds=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (status_of(run).state, status_of(run).step) == ("FINISHED", 900)
    assert read_result(runs.folder / "results" / f"{job.id}.json").origin == (original.id, 600)
