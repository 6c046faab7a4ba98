"""What is said of a run that is likely not well, and nothing of one that is."""

from pathlib import Path
from typing import Any

import pytest
from engine_process import events
from engine_recipes import small
from resuming import recipe_of, run

from acceltui.engine.health import Health, Seen
from acceltui.engine.switch import Evaluated
from acceltui.recipe.schema import Recipe
from acceltui.runs.paths import create_run_folder

EVERY = 1_000
"""Steps between two evaluations; a row is written at each of them."""


def recipe(**changes: Any) -> Recipe:
    changes = {
        "evaluation": {"every": EVERY, "episodes": 7},
        "accelerator": {"steps": 20_000, "replay": 5_000},
        "algorithm": {"discount": 0.9},
    } | changes
    return small(**changes)


def told(health: Health, rows: list[dict[str, Any]], stage: str = "accelerate") -> list[list[str]]:
    """What held at each row."""
    said = []
    for number, row in enumerate(rows, start=1):
        step = row.pop("step", number * EVERY)
        values = row.get("values", {})
        health.look(Seen(**{"stage": stage, "step": step, "values": values, "latest": values, "room": 100, **row}))
        said.append(health.sentences)
    return said


def valued(*means: float | None, reward: float = 1.0, **values: float) -> list[dict[str, Any]]:
    """Rows with a mean of the predicted values; none where it was not measured."""
    return [
        {"values": values if mean is None else {"value/mean": mean, **values}, "largest_reward": reward}
        for mean in means
    ]


def test_values_beyond_what_rewards_justify() -> None:
    """Rewards of at most 1 at a discount of 0.9 come to at most 10."""
    said = told(Health(recipe()), valued(31, 31, -31, None, 31, 4_000, 20, 11, 10, 31))
    assert [bool(sentences) for sentences in said] == [False] * 5 + [True] * 3 + [False] * 2
    assert said[5] == [
        "the critic diverges: its values average 4,000, and rewards of at most 1.000 a step justify 10.0: lower "
        "algorithm.learning_rate"
    ]


@pytest.mark.parametrize(
    "rows",
    [
        valued(*[29] * 9),
        valued(*[31, 31, 31, 31, 5] * 3),
        valued(*[31] * 9, reward=2.0),
        valued(*[0.3] * 9, reward=0.0),
        valued(*[float("nan")] * 9),
        [*valued(0.0, reward=5.0), *valued(*[40] * 9)],
    ],
    ids=["below", "not for long", "rewards are larger", "no reward yet", "not finite", "a large reward was forgotten"],
)
def test_values_that_may_be_right(rows: list[dict[str, Any]]) -> None:
    assert not any(told(Health(recipe()), rows))


def test_soft_values_hold_entropy_as_well() -> None:
    rows = valued(*[60] * 9, **{"entropy/policy": 4.0, "entropy/coefficient": 0.5})
    assert not any(told(Health(recipe(algorithm={"kind": "sac", "discount": 0.9})), rows))
    assert any(told(Health(recipe()), valued(*[60] * 9)))
    fixed = {"kind": "sac", "discount": 0.9, "entropy": {"start": 2.0, "target": None}}
    assert not any(told(Health(recipe(algorithm=fixed)), valued(*[80] * 9, **{"entropy/policy": -1.0})))


def test_values_at_the_switch_to_a_smaller_discount_are_still_those_of_the_larger() -> None:
    health = Health(recipe(online={"algorithm": {"discount": 0.0}}))
    assert not any(told(health, valued(*[29] * 9), stage="online"))


def test_a_replay_that_does_not_hold_an_episode() -> None:
    health = Health(recipe(online={"replay": 200}))
    said = told(health, [{"longest": 100}, {"longest": 101}, {"longest": 7}])
    assert said[0] == []
    assert said[1] == said[2]
    assert said[1] == [
        "the replay keeps 100 transitions of each environment, fewer than an episode of 101 steps has: raise "
        "accelerator.replay, now 5,000"
    ]
    assert "raise online.replay, now 200" in told(health, [{}], stage="online")[0][0]


def test_a_rollout_may_be_shorter_than_an_episode() -> None:
    ppo = recipe_of({"algorithm": {"kind": "ppo", "rollout_steps": 16, "batch_size": 8}})
    assert not any(told(Health(ppo), [{"longest": 10_000}]))
    assert any(told(Health(recipe_of({})), [{"longest": 10_000}]))


def cloning(losses: list[float], share: float, std: float = 10.0) -> list[dict[str, Any]]:
    """Rows with a cloning loss; the accelerator gains 100 over random actions, the transformer that share of it."""
    evaluated = [
        Evaluated(number * EVERY, {"transformer/return": 100 * share - 50, "accelerator/return": 50.0})
        for number in range(1, len(losses) + 1)
    ]
    return [
        {
            "values": {"loss/clone": loss, "accelerator/std": std},
            "evaluations": evaluated[: number + 1],
            "random": {"random/return": -50.0},
        }
        for number, loss in enumerate(losses)
    ]


FALLS = [1 / number for number in range(1, 16)]
STAYS = [0.5, 0.2, 0.1, *[0.11] * 12]


def test_a_cloning_loss_that_stays_while_much_is_left_to_learn() -> None:
    said = told(Health(recipe()), cloning(STAYS, share=0.31))
    assert [bool(sentences) for sentences in said] == [False] * 7 + [True] * 8
    assert said[-1] == [
        "the cloning loss is flat: 0.11, no new low since 0.1 at step 3,000, and the transformer has 31% of the "
        "accelerator's gain: raise clone.updates_per_step, now 0.25"
    ]


@pytest.mark.parametrize(
    ("losses", "share", "std"),
    [(FALLS, 0.31, 10.0), (STAYS, 0.9, 10.0), (STAYS, 0.31, 200.0), (STAYS[:7], 0.31, 10.0)],
    ids=["falls", "keeps up", "the accelerator gained no more than its spread", "not for long"],
)
def test_a_cloning_loss_that_may_be_right(losses: list[float], share: float, std: float) -> None:
    assert not any(told(Health(recipe()), cloning(losses, share, std)))


def test_a_new_low_is_the_end_of_it_and_stage_online_has_no_such_loss() -> None:
    health = Health(recipe())
    said = told(health, [*cloning([*STAYS, 0.09], share=0.31)])
    assert said[-2] and not said[-1]
    assert not any(told(health, cloning(STAYS, share=0.31), stage="online"))


def timed(evaluation: float, training: float, pauses: float = 0.0, count: int = 6) -> list[dict[str, Any]]:
    """Rows after an evaluation each, the seconds of which, and of all that lay between two, are given."""
    return [
        {
            "values": {"loss/critic": 1.0},
            "evaluations": [Evaluated(step * EVERY, {}) for step in range(number)],
            "seconds": {"evaluation": number * evaluation, "update": number * training, "idle": number * pauses},
        }
        for number in range(1, count + 1)
    ]


def test_evaluation_that_takes_half_of_the_time() -> None:
    said = told(Health(recipe()), timed(evaluation=61, training=39))
    assert [bool(sentences) for sentences in said] == [False] * 3 + [True] * 3
    assert said[-1] == [
        "evaluation takes 61% of the time: raise evaluation.every, now 1,000, or lower evaluation.episodes, now 7"
    ]


@pytest.mark.parametrize(
    "rows",
    [timed(45, 55), timed(9, 1), [row | {"values": {}} for row in timed(61, 39)]],
    ids=["less than half", "over in seconds", "beside random actions"],
)
def test_evaluation_that_may_be_right(rows: list[dict[str, Any]]) -> None:
    assert not any(told(Health(recipe()), rows))


def test_pauses_make_evaluation_no_cheaper() -> None:
    assert told(Health(recipe()), timed(61, 39, pauses=1_000))[-1]


def test_what_begins_again_is_told_once_a_stage() -> None:
    health = Health(recipe())

    def looks(stage: str) -> list[bool]:
        rows = valued(*[31] * 6, 5, *[31] * 6)
        return [bool(health.look(Seen(stage, 0, row["values"], row["values"], largest_reward=1))) for row in rows]

    assert looks("accelerate").count(True) == 1
    assert looks("accelerate").count(True) == 0
    assert looks("online").count(True) == 1


def test_a_run_says_it_in_its_status_and_once_in_its_events(tmp_path: Path) -> None:
    """Two environments whose episodes have 20 steps, with 16 transitions for each in stage online."""
    folder = create_run_folder(tmp_path, "small", 1, name="run")
    tight = small(env={"num_envs": 2}, online={"replay": 32, "seed_replay": 32})
    assert run(folder, tight) == "FINISHED"
    sentence = (
        "the replay keeps 16 transitions of each environment, fewer than an episode of 20 steps has: raise "
        "online.replay, now 32"
    )
    (warning,) = events(folder, "warning")
    assert (warning["message"], warning["health"], warning["step"]) == (sentence, "replay", 140)
