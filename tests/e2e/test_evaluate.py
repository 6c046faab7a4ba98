"""`accel evaluate` of what a run has saved: a real run of seconds, and the engine's own process."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from acceltui.runs.paths import create_run_folder
from tests.e2e.conftest import Runs, eventually

QUICK = (
    "accelerator.steps=400",
    "online.steps=200",
    "algorithm.random_steps=200",
    "switch=null",
    "env.episode_steps=50",
)
QUICK += ("evaluation.every=200", "evaluation.episodes=2", "evaluation.num_envs=2", "online.critic_warmup=0")
QUICK += ("online.clone_fade=100", "algorithm.batch_size=32", "clone.batch_size=32")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """A place where `done` is a run that has ended."""
    with pytest.MonkeyPatch.context() as environment:
        here = Runs(tmp_path_factory.mktemp("evaluate"))
        environment.setenv("ACCEL_RUNS", str(here.folder / "runs"))
        done = here.call("run", "pendulum_quick", "--name", "done", *QUICK, seconds=120)
        assert done.returncode == 0, done.stderr
        yield here
        here.kill_engines()


def everything_in(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of all files and folders."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in [folder, *folder.rglob("*")]}


def test_the_same_call_gives_the_same_figures(trained: Runs) -> None:
    """Every episode with its seed, none of which the run has used; nothing is written anywhere."""
    before = everything_in(trained.folder)
    first, again = (trained.call("evaluate", "done", "--episodes", "5", "--json") for _ in range(2))
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == again.stdout
    found = json.loads(first.stdout)
    assert (found["run"], found["policy"], found["why"][0]) == ("done", "transformer", "best")
    seeds = [episode["seed"] for episode in found["episodes"]]
    assert len(seeds) == 5 == len(set(seeds)) and {1, 10_000, 10_001}.isdisjoint(seeds)
    returns = [episode["return"] for episode in found["episodes"]]
    assert found["return"]["mean"] == pytest.approx(np.mean(returns))
    assert all(episode["steps"] == 50 for episode in found["episodes"])

    lines = trained.call("evaluate", "done", "--episodes", "5").stdout.splitlines()
    assert f"transformer of checkpoint {found['checkpoint']} (best" in lines[0]
    assert lines[0].endswith(f"5 episodes with seeds {seeds[0]:,} to {seeds[-1]:,}")
    assert lines[2] == "  length   mean 50.0, deviation 0.000, from 50.0 to 50.0, median 50.0"
    cells = trained.call("evaluate", "done", "--episodes", "5", "--plain").stdout.rstrip("\n").split("\t")
    assert cells[:6] == ["done", found["checkpoint"], str(found["step"]), "transformer", "5", str(seeds[0])]
    assert [float(cell) for cell in cells[6:11]] == list(found["return"].values())
    assert cells[11:] == ["50.0", "-"]
    assert everything_in(trained.folder) == before


def test_what_is_asked_for_is_evaluated(trained: Runs) -> None:
    """The engine's own figure of the last evaluation comes again, from the last checkpoint and the recipe's seeds."""
    words = ["evaluate", "done", "--checkpoint", "last", "--episodes", "2", "--seed", "10000", "--json"]
    done = trained.call(*words)
    assert done.returncode == 0 and "Note: some of these seeds were used" in done.stderr
    found = json.loads(done.stdout)
    rows = [json.loads(line) for line in (trained.folder / "runs/done/metrics.jsonl").read_text().splitlines()]
    last = [row for row in rows if "transformer/return" in row][-1]
    assert found["step"] == last["step"] == 600
    assert found["return"]["mean"] == pytest.approx(last["transformer/return"], rel=1e-6)
    assert found["return"]["std"] == pytest.approx(last["transformer/std"], rel=1e-6)
    switched = json.loads(
        trained.call(*words[:2], "--checkpoint", "switch", "--policy", "accelerator", "--json").stdout
    )
    assert (switched["step"], switched["policy"], len(switched["episodes"])) == (400, "accelerator", 10)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["done", "--checkpoint", "7"], "done has no checkpoint at '7'. There are: "),
        (["begun"], "begun has no checkpoint yet."),
        (["done", "--video", "out.mp4"], "env.id: Pendulum-v1 cannot be drawn: pygame is not installed"),
    ],
)
def test_what_cannot_be_evaluated_is_one_sentence(
    trained: Runs, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words == ["begun"]:
        create_run_folder(trained.folder / "runs", "pendulum_quick", 1, name="begun")
    # A package that is there but cannot be imported is as good as none.
    hidden = trained.folder / "hidden"
    hidden.mkdir(exist_ok=True)
    (hidden / "pygame.py").write_text("raise ImportError('hidden')")
    monkeypatch.setenv("PYTHONPATH", f"{hidden}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    done = trained.call("evaluate", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said) and done.stderr.count("\n") == 1
    assert not list(trained.folder.glob("*.mp4"))


def test_a_living_run_is_evaluated_beside_its_engine(runs: Runs) -> None:
    """Its newest checkpoint, while it goes on."""
    long = ("accelerator.steps=1000000", "online.steps=1000", "switch=null", "evaluation.every=1000000")
    folder = runs.start(*long, "checkpoint.every=400", "algorithm.random_steps=300")
    eventually(lambda: list(folder.checkpoints.glob("*/manifest.json")), 60)
    step = runs.step()
    found = json.loads(runs.call("evaluate", "--checkpoint", "last", "--episodes", "1", "--json").stdout)
    assert 0 < found["step"] <= runs.step()
    assert json.loads(runs.call("status", "--json").stdout)["state"] == "RUNNING"
    assert runs.step() > step
