"""Runs that outlive the jobs of a batch system, and what changes between two of them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from acceltui.runs.checkpoints import find_checkpoints
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.status import read_status
from tests.e2e.conftest import Runs, eventually

SLURM = Path(__file__).parents[2] / "docs" / "slurm.sh"
RECIPE = """\
version: 1
name: job
env: {kind: gymnasium, id: Pendulum-v1, num_envs: 2}
algorithm: {random_steps: 100, batch_size: 16}
critic: {kind: mlp, context: 1, hidden: [16]}
accelerator: {kind: mlp, hidden: [16], replay: 1_000, steps: 1_000}
transformer: {kind: gpt, context: 3, layers: 1, heads: 2, width: 16, feedforward: 32}
clone: {newest: 1_000, batch_size: 16}
online: {replay: 500, seed_replay: 500, critic_warmup: 0, clone_fade: 100, steps: 1_000}
evaluation: {every: 1_000, episodes: 1, num_envs: 1}
checkpoint: {every: 100}
log: {every: 100, tensorboard: false}
"""
LONG = "accelerator.steps=1_000_000"


@pytest.fixture
def job(runs: Runs) -> Runs:
    (runs.folder / "job.yaml").write_text(RECIPE)
    return runs


def batch(runs: Runs) -> subprocess.Popen[bytes]:
    """The sample script as Slurm runs it, with stand-ins for Slurm's own commands: `srun` runs its step, `scontrol`
    notes what it is asked."""
    tools = runs.folder / "bin"
    tools.mkdir(exist_ok=True)
    calls = {
        "srun": 'shift; exec "$@"',
        "accel": f'exec {sys.executable} -m acceltui "$@"',
        "scontrol": f'echo "$@" >> {runs.folder}/asked',
    }
    for name, line in calls.items():
        (tools / name).write_text(f"#!/bin/bash\n{line}\n")
        (tools / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "RECIPE": "job.yaml",
        "NAME": "job",
        "SLURM_JOB_ID": "17",
        "SLURM_CPUS_PER_TASK": "1",
        "ACCEL_SCRATCH": str(runs.folder / "node"),
    }
    return subprocess.Popen(["bash", SLURM], cwd=runs.folder, env=environment, stdin=subprocess.DEVNULL)


def events(folder: RunFolder, kind: str) -> list[str]:
    return [event["message"] for event in JsonlReader(folder.events).poll() if event["kind"] == kind]


def engine_of(folder: RunFolder, attempt: int = 1) -> int:
    """The process that trains, once it does."""

    def trains() -> int | None:
        status = read_status(folder)
        begun = status is not None and status.attempt == attempt and status.state == "RUNNING" and status.step > 150
        return status.pid if status is not None and begun else None

    return eventually(trains, 60)


def test_the_slurm_script_goes_on_until_the_run_is_finished(job: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    first = batch(job)
    folder = RunFolder(job.folder / "runs" / "job")
    os.kill(engine_of(folder), signal.SIGUSR1)
    assert first.wait(60) == 75
    assert (job.folder / "asked").read_text() == "requeue 17\n"
    status = read_status(folder)
    assert status is not None and status.state == "PREEMPTED" and status.step < 2_000
    # Frames on the node's disk, the rest in the run folder.
    (place,) = (job.folder / "node").iterdir()
    assert list(place.iterdir()) and not folder.replay.exists()
    assert place.stat().st_mode & 0o777 == 0o700

    second = batch(job)
    assert second.wait(120) == 0
    status = read_status(folder)
    assert status is not None and status.state == "FINISHED" and status.attempt == 2
    (resumed,) = events(folder, "resume")
    assert resumed.startswith("goes on from") and "begins" not in resumed

    assert batch(job).wait(60) == 0
    assert (job.folder / "asked").read_text() == "requeue 17\n"
    assert read_status(folder) == status
    monkeypatch.setenv("ACCEL_SCRATCH", str(job.folder / "node"))
    removed = job.call("rm", "job", "--yes")
    assert removed.returncode == 0 and not folder.path.exists() and not place.exists()


def test_a_replay_that_is_on_another_machine_begins_empty_and_that_is_said(
    job: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCEL_SCRATCH", str(job.folder / "node"))
    call = ("run", "job.yaml", LONG, "--name", "job", "--resume-or-start", "--detach")
    assert job.call(*call).returncode == 0
    folder = RunFolder(job.folder / "runs" / "job")
    engine_of(folder)
    assert job.call("stop").returncode == 0
    (place,) = (job.folder / "node").iterdir()
    next(place.glob("*.safetensors")).unlink()  # as a disk that is cleaned from time to time
    assert job.call(*call).returncode == 0
    engine_of(folder, attempt=2)
    (resumed,) = events(folder, "resume")
    assert resumed.endswith(
        "its replay begins empty (it lay in a scratch folder that is not here), and its episodes anew"
    )
    assert job.call("stop").returncode == 0


def test_what_has_changed_is_shown_and_has_to_be_allowed(job: Runs) -> None:
    assert job.call("run", "job.yaml", LONG, "--name", "job", "--detach").returncode == 0
    folder = RunFolder(job.folder / "runs" / "job")
    engine_of(folder)
    assert job.call("stop").returncode == 0
    resolved = folder.resolved.read_text()

    folder.resolved.write_text(resolved.replace("tau: 0.005", "tau: 0.01"))
    assert folder.resolved.read_text() != resolved
    refused = job.call("resume")
    assert refused.returncode == 2
    assert refused.stderr == (
        "The recipe of job has changed since its last checkpoint: algorithm.tau 0.005 -> 0.01. "
        "`--allow algorithm.tau` goes on with that; `accel fork` makes a run of its own of it.\n"
    )
    folder.resolved.write_text(resolved.replace("width: 16", "width: 32"))
    refused = job.call("resume", "--allow", "transformer")
    assert refused.returncode == 2
    assert "cannot go on with transformer.width 16 -> 32: its weights have other shapes" in refused.stderr
    folder.resolved.write_text(resolved)

    newest = find_checkpoints(folder)[-1]
    manifest = {**newest.manifest, "versions": {**newest.manifest["versions"], "torch": "1.0\x1b[2J"}}
    (newest.path / "manifest.json").write_text(json.dumps(manifest))
    # Of a job script too: the same recipe with another value.
    again = ("run", "job.yaml", LONG, "algorithm.tau=0.02", "--name", "job", "--resume-or-start", "--detach")
    refused = job.call(*again)
    assert refused.returncode == 2 and "algorithm.tau 0.005 -> 0.02" in refused.stderr
    allowed = job.call(*again, "--allow", "algorithm")
    assert allowed.returncode == 0
    said = allowed.stderr.splitlines()
    assert said[0] == "Changed: algorithm.tau 0.005 -> 0.02."
    assert said[1].startswith("Warning: torch is ") and "and was 1.0: what follows may differ" in said[1]
    engine_of(folder, attempt=2)
    assert "tau: 0.02" in folder.resolved.read_text()
    assert any("torch is " in message for message in events(folder, "warning"))
    assert job.call("stop").returncode == 0
    # What it was allowed once is the run's own recipe now.
    assert job.call(*again).returncode == 0


def test_a_job_that_died_before_the_first_checkpoint_begins_anew(job: Runs) -> None:
    call = ("run", "job.yaml", LONG, "checkpoint.every=100_000", "evaluation.every=100_000", "--name", "job")
    assert job.call(*call, "--resume-or-start", "--detach").returncode == 0
    folder = RunFolder(job.folder / "runs" / "job")
    os.kill(engine_of(folder), signal.SIGKILL)
    eventually(lambda: "CRASHED" in job.call("ls").stdout, 30)
    assert job.call(*call, "--resume-or-start", "--detach").returncode == 0
    engine_of(folder)
    assert (job.folder / "runs" / "job-1" / "metrics.jsonl").exists()
    assert job.call("stop", "job").returncode == 0


def test_a_name_is_needed_and_stays_in_the_runs_folder(job: Runs) -> None:
    nameless = job.call("run", "job.yaml", "--resume-or-start")
    assert nameless.returncode == 2 and "--resume-or-start needs a --name" in nameless.stderr
    outside = job.call("run", "job.yaml", "--resume-or-start", "--name", "../job")
    assert outside.returncode == 2 and "cannot name a run" in outside.stderr
    assert not (job.folder / "runs").exists() or not list((job.folder / "runs").iterdir())


@pytest.mark.parametrize("place", ["/proc/nope", "not/absolute"])
def test_a_scratch_folder_that_cannot_be_is_refused_before_anything_is_trained(
    place: str, job: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCEL_SCRATCH", place)
    refused = job.call("run", "job.yaml", "--detach")
    assert refused.returncode == 2 and "ACCEL_SCRATCH: " in refused.stderr
    monkeypatch.delenv("ACCEL_SCRATCH")
    assert "never began" in job.call("gc", "--yes").stdout
    assert list((job.folder / "runs").iterdir()) == []


def test_a_job_queued_again_while_it_was_being_loaded_begins_at_once(job: Runs) -> None:
    call = [sys.executable, "-m", "acceltui", "run", "job.yaml", LONG, "--name", "job", "--resume-or-start"]
    first = subprocess.Popen([*call, "--foreground"], cwd=job.folder)
    folder = RunFolder(job.folder / "runs" / "job")
    eventually(lambda: (status := read_status(folder)) is not None and status.pid == first.pid, 30)
    first.send_signal(signal.SIGUSR1)
    assert first.wait(60) == 75
    assert job.call(*call[3:], "--detach", seconds=40).returncode == 0
    engine_of(folder)
    assert job.call("stop", "job").returncode == 0


def test_a_signal_that_comes_while_the_engine_is_being_loaded_is_no_failure(job: Runs) -> None:
    """Nothing has begun then that could be lost; a batch system queues it again."""
    engine = subprocess.Popen([sys.executable, "-m", "acceltui.engine", "spaces", str(job.folder / "job.yaml")])
    stat = Path(f"/proc/{engine.pid}/maps")
    while "libtorch" not in stat.read_text():
        time.sleep(0.01)
    engine.send_signal(signal.SIGUSR1)
    assert engine.wait(60) == 75


BECOMES_ENGINE = """
import os, signal, sys
from pathlib import Path
from acceltui.launch.foreground import become_engine
from acceltui.runs.folder import RunFolder

execve = os.execve
def with_a_signal_on_the_way(*call):
    os.kill(os.getpid(), signal.SIGUSR1)
    execve(*call)
os.execve = with_a_signal_on_the_way
become_engine(RunFolder(Path(sys.argv[1])), verb="resume")
"""


def test_nor_is_one_that_comes_while_the_process_becomes_the_engine(tmp_path: Path) -> None:
    """Planted, because a signal falls between two programs once in hundreds."""
    assert subprocess.run([sys.executable, "-c", BECOMES_ENGINE, str(tmp_path)]).returncode == 75
