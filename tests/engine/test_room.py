"""The memory of a run: refused where it is not there, and foretold."""

import contextlib
import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from engine_process import engine, engine_command, new_run, resolved
from engine_recipes import small

from acceltui.engine import room
from acceltui.engine.build import Parts
from acceltui.engine.errors import SetupError
from acceltui.engine.replay import Replay
from acceltui.recipe.library import shipped_recipe
from acceltui.recipe.load import load_recipe


def refused(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> SetupError:
    """What is said of a recipe whose replays have no room; nothing may be allocated for them."""

    def never(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a replay was allocated")

    monkeypatch.setattr(Replay, "__init__", never)
    with pytest.raises(SetupError) as caught:
        Parts(small(**changes))
    assert caught.value.kind == "device"
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"accelerator": {"replay": 10**12}}, "accelerator.replay"),
        ({"method": "scratch", "online": {"replay": 10**12}}, "online.replay"),
        ({"online": {"replay": 10**12}}, "online.replay"),
        ({"clone": {"from": "rollouts", "newest": 10**12}}, "clone.newest"),
    ],
    ids=["accelerator", "scratch", "online", "rollouts"],
)
def test_a_replay_that_the_machine_cannot_hold_is_refused_before_the_run(
    changes: dict[str, Any], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refused(monkeypatch, **changes)
    assert error.path == path
    assert "1,000,000,000,000 transitions take" in error.message and "GiB are free here" in error.message
    said = re.fullmatch(r"give at most ([\d,]+)", error.hint)
    assert said is not None
    section, key = path.split(".")
    fits = int(said[1].replace(",", ""))
    largest = changes | {section: changes[section] | {key: fits}}
    monkeypatch.undo()
    Parts(small(**largest)).close()
    too_large = changes | {section: changes[section] | {key: fits * 2}}
    assert refused(monkeypatch, **too_large).path == path


def test_replays_that_fit_alone_and_not_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the switch both are there."""
    recipe = small(accelerator={"replay": 40_000_000}, online={"replay": 30_000_000})
    sizes = room.replay_bytes(recipe, Parts(small()).spaces)
    monkeypatch.setattr(room, "free_memory", lambda device: int(1.2 * max(sizes.values())))
    error = refused(monkeypatch, accelerator={"replay": 40_000_000}, online={"replay": 30_000_000})
    assert error.path == "accelerator.replay"
    assert "GiB beside them" in error.message
    monkeypatch.setattr(room, "free_memory", lambda device: min(sizes.values()) // 2)
    error = refused(monkeypatch, accelerator={"replay": 40_000_000}, online={"replay": 30_000_000})
    assert error.hint == "give less for accelerator.replay and online.replay"


@pytest.mark.parametrize("method", ["accelerated", "scratch"])
def test_a_plan_foretells_the_memory_that_the_run_takes(tmp_path: Path, method: str) -> None:
    changes = [f"method={method}", "algorithm.random_steps=19_500", "algorithm.updates_per_step=0.1", "env.num_envs=8"]
    changes += ["accelerator.replay=12_000", "accelerator.steps=12_000", "switch=null", "clone.updates_per_step=0.01"]
    changes += ["online.replay=20_000", "online.steps=8_000", "online.seed_replay=12_000", "evaluation.every=10_000"]
    if method == "accelerated":
        changes[1] = "algorithm.random_steps=11_900"
        changes += ["online.algorithm.updates_per_step=0.01"]
    # Pictures: at the switch both replays are there, 37 and 61 MB.
    recipe = load_recipe(shipped_recipe("shapes_quick"), changes).recipe
    asked = engine("plan", resolved(tmp_path, recipe), cwd=tmp_path)
    foretold = json.loads(asked.stdout)["peak_bytes"]

    process = psutil.Popen(engine_command("run", new_run(tmp_path, recipe).path), stdout=subprocess.DEVNULL)
    taken = 0
    # Sampled: the maximum that the system keeps begins with that of whoever started the process.
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            taken = max(taken, process.memory_info().rss)
        time.sleep(0.02)
    assert process.returncode == 0
    assert foretold == pytest.approx(taken, rel=0.1)
