"""The two stages, stepped by hand on a real environment."""

import numpy as np
import pytest
import torch
from engine_recipes import small
from stepping import Stage, advance, newest, rows, vector
from torch import Tensor

from acceltui.engine.build import Parts
from acceltui.engine.draws import Draws
from acceltui.engine.evaluate import Evaluator
from acceltui.engine.interaction import deterministic
from acceltui.engine.networks.heads import DeterministicHead
from acceltui.engine.off_policy import Due
from acceltui.engine.stages import Accelerate
from acceltui.recipe.schema import Recipe


@pytest.mark.parametrize("method", ["accelerated", "scratch"])
def test_at_first_actions_are_uniform_and_nothing_is_learned(method: str) -> None:
    parts = Parts(small(method=method, env={"episode_steps": 200}, algorithm={"random_steps": 150}))
    stage = parts.scratch() if method == "scratch" else parts.accelerate()
    networks = parts.accelerator, parts.transformer, parts.critic.critic
    initial = vector(*networks)
    step = advance(stage, 150)
    assert torch.equal(vector(*networks), initial)
    actions = np.sort([action for *_, action in rows(newest(stage, 150))])
    assert np.abs(actions - np.linspace(-1, 1, len(actions))).max() < 0.35
    advance(stage, 1, step)
    assert stage.learning.updates == 1
    assert not torch.equal(vector(*networks), initial)


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_later_actions_are_the_policys_with_noise(noise: float) -> None:
    algorithm = {"random_steps": 0, "exploration_noise": noise, "batch_size": 200}  # so that nothing is learned yet
    parts = Parts(small(env={"episode_steps": 200}, algorithm=algorithm))
    stage, differences = parts.accelerate(), []
    for step in range(150):
        with torch.no_grad():
            wanted = parts.accelerator(stage.learning.interaction.windows)
        stage.advance(step)
        differences.append((newest(stage).actions[0] - wanted).item())
    if noise:
        assert 0.15 < np.std(differences) < 0.25
        assert abs(np.mean(differences)) < 0.05
    else:
        assert not np.any(differences)


@pytest.mark.parametrize(("rate", "num_envs", "expected"), [(1, 1, 60), (0.25, 1, 15), (0.1, 3, 6), (2, 3, 120)])
def test_updates_are_counted_for_each_step_of_each_environment(rate: float, num_envs: int, expected: int) -> None:
    parts = Parts(
        small(
            env={"num_envs": num_envs},
            algorithm={"updates_per_step": rate, "random_steps": 30},
            clone={"updates_per_step": rate},
        )
    )
    stage = parts.accelerate()
    advance(stage, 90)
    assert stage.cloning is not None
    assert stage.learning.updates == expected
    optimizer = stage.cloning.learner.optimizer
    assert {int(state["step"]) for state in optimizer.state.values()} == {expected}


@pytest.mark.parametrize(
    ("rate", "steps", "updates"),
    [
        (1, [1, 1, 1], [1, 1, 1]),
        (0.5, [1, 1, 1, 1], [0, 1, 0, 1]),
        (0.1, [1] * 20, ([0] * 9 + [1]) * 2),
        (1.5, [2, 2, 1], [3, 3, 1]),
        (0.3, [4, 4, 4], [1, 1, 1]),
    ],
)
def test_fractions_of_updates_accumulate(rate: float, steps: list[int], updates: list[int]) -> None:
    due = Due(rate)
    assert [due.after(count) for count in steps] == updates


def test_the_replay_is_relabelled_with_what_the_accelerator_would_do_now() -> None:
    """All actions in the replay are random, so that only relabelling can bring the loss down."""
    parts = Parts(small(env={"episode_steps": 200}, algorithm={"random_steps": 100}, accelerator={"steps": 200}))
    stage = parts.accelerate()
    advance(stage, 100)
    assert stage.cloning is not None
    assert isinstance(parts.accelerator.head, DeterministicHead)
    parts.accelerator.head.action.weight.data *= 10
    for _ in range(8):
        stage.cloning.learn(100)
        loss = stage.cloning.meter.take()["loss/clone"]
    batch = newest(stage, 100)
    with torch.no_grad():
        wanted, cloned = parts.accelerator(batch.windows), parts.transformer(batch.windows)
    assert wanted.std() > 0.1
    assert (batch.actions - wanted).square().mean() > 0.1
    assert loss < 0.01
    assert (cloned - wanted).square().mean() < 0.01


def test_rollouts_are_the_deterministic_accelerators_and_every_step_is_counted() -> None:
    parts = Parts(small(clone={"from": "rollouts", "rollouts": {"episodes": 5}}))
    stage = parts.accelerate()
    advance(stage, 60)
    cloning, initial = stage.cloning, vector(parts.transformer)
    assert cloning is not None
    assert cloning.windows == 0
    assert cloning.collect(seed=0) == 3 * 20 * 2  # five episodes in two environments: three rounds
    assert cloning.windows == cloning.source.size == 120
    assert stage.learning.replay.size == 60
    batch = cloning.source.sample(64, np.random.default_rng(0))
    with torch.no_grad():
        torch.testing.assert_close(batch.actions, parts.accelerator(batch.windows), rtol=0, atol=1e-6)
    advance(stage, 4, 60)
    assert not torch.equal(vector(parts.transformer), initial)


def test_ascent_moves_the_transformer_up_the_critic_and_not_the_critic() -> None:
    values = []
    for ascent in (0.0, 10.0):
        parts = Parts(small(clone={"ascent": ascent}))
        stage = parts.accelerate()
        advance(stage, 60)
        assert stage.cloning is not None
        batch, critic = newest(stage, 60), parts.critic.critic
        with torch.no_grad():
            before = vector(critic)
        for _ in range(60):
            stage.cloning.learner.update(batch.windows, torch.zeros(64, 0))
        assert torch.equal(vector(critic), before)
        assert not torch.equal(vector(parts.transformer), vector(Parts(small()).transformer))
        values.append(critic.first(batch.windows, parts.transformer(batch.windows)).mean().item())
    assert values[1] > values[0] + 0.01


def trained(recipe: Recipe, evaluates: bool = False) -> Tensor:
    """All weights after 300 steps, 180 of them in stage online."""
    parts = Parts(recipe)
    evaluator = Evaluator(parts)
    stage: Stage = parts.accelerate()
    step = advance(stage, 120)
    if evaluates:
        evaluator.evaluate("transformer", deterministic(parts.transformer))
    assert isinstance(stage, Accelerate)
    advance(parts.switch(stage, step), 180, step)
    return vector(parts.accelerator, parts.transformer, parts.critic.critic, parts.critic.target)


def test_a_seed_repeats_to_the_bit_and_evaluating_changes_nothing() -> None:
    recipe = small(transformer={"dropout": 0.1}, env={"num_envs": 2, "observation_noise": 0.01})
    once = trained(recipe)
    torch.rand(5)
    assert torch.equal(trained(recipe), once)
    assert torch.equal(trained(recipe, evaluates=True), once)
    other = trained(recipe.model_copy(update={"seed": recipe.seed + 1}))
    assert not torch.isclose(other, once).all()


def test_no_generator_repeats_another() -> None:
    draws = Draws.seeded(3, torch.device("cpu"))
    numbers = [generator.normal(size=8).tolist() for generator in (draws.exploration, draws.replay, draws.cloning)]
    assert len({tuple(row) for row in numbers}) == 3
    again = Draws.seeded(3, torch.device("cpu"))
    assert torch.equal(
        torch.randn(8, generator=draws.noise),
        torch.randn(8, generator=again.noise),
    )
