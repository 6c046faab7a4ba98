"""The switch: the transformer takes over, the critic stays, and the accelerator goes on as a teacher for a while."""

import gc
import weakref
from pathlib import Path

import pytest
import torch
from engine_process import new_run
from engine_recipes import small
from stepping import adam_state, advance, at_the_switch, newest, rows, vector
from torch import Tensor

from acceltui.engine.endings import Leaving
from acceltui.engine.learners.cloning_loss import Kind
from acceltui.engine.learners.td3 import TD3
from acceltui.engine.monitor import Live, Monitor
from acceltui.engine.networks.actor import Actor
from acceltui.engine.record import Record
from acceltui.engine.replay import Batch, Replay
from acceltui.engine.run import Run
from acceltui.engine.stages import Accelerate, OnlineStage
from acceltui.engine.train import train


def test_at_the_switch_the_transformer_takes_over_with_a_hard_copy_as_its_target() -> None:
    parts, stage, step = at_the_switch()
    cloned = vector(parts.transformer)
    online = parts.switch(stage, step)
    learner = online.learning.learner
    assert learner.actor is parts.transformer
    assert isinstance(learner, TD3)
    assert learner.target is not parts.transformer
    assert torch.equal(vector(learner.target), cloned)
    assert torch.equal(vector(parts.transformer), cloned)
    assert not learner.optimizer.state
    assert online.learning.interaction is stage.learning.interaction


def test_at_the_switch_the_critic_stays() -> None:
    parts, stage, step = at_the_switch()
    critic = parts.critic
    before = vector(critic.critic, critic.target), adam_state(critic.optimizer)
    online = parts.switch(stage, step)
    assert online.learning.learner.critic is critic
    assert torch.equal(vector(critic.critic, critic.target), before[0])
    assert before[1]
    assert all(torch.equal(mine, old) for mine, old in zip(adam_state(critic.optimizer), before[1], strict=True))

    updates = [int(state["step"]) for state in critic.optimizer.state.values()]
    advance(online, 5, step)
    assert [int(state["step"]) for state in critic.optimizer.state.values()] == [count + 5 for count in updates]


def test_at_the_switch_the_newest_transitions_stay() -> None:
    parts, stage, step = at_the_switch(online={"seed_replay": 20, "replay": 50}, env={"episode_steps": 200})
    expected = rows(newest(stage, 20))
    online = parts.switch(stage, step)
    replay = online.learning.replay
    assert (replay.size, replay.capacity) == (20, 50)
    assert online.learning.interaction.replay is replay
    assert rows(newest(online, 50)) <= expected
    advance(online, 40, step)
    assert replay.size == 50


def test_the_teacher_is_the_accelerator_as_it_was_at_the_switch() -> None:
    parts, stage, step = at_the_switch()
    online = parts.switch(stage, step)
    assert online.teacher is not None
    accelerator = vector(parts.accelerator)
    advance(online, 60, step)
    assert torch.equal(vector(online.teacher), accelerator)
    assert torch.equal(vector(parts.accelerator), accelerator)


def test_for_the_steps_of_the_warm_up_only_the_critic_learns() -> None:
    parts, stage, step = at_the_switch(
        online={"critic_warmup": 9, "clone_fade": 0, "algorithm": {"policy_delay": 1}},
    )
    online = parts.switch(stage, step)
    cloned = vector(parts.transformer)
    for _ in range(9):
        before = vector(parts.critic.critic), vector(parts.critic.target)
        step = advance(online, 1, step)
        assert torch.equal(vector(parts.transformer), cloned)
        assert not torch.equal(vector(parts.critic.critic), before[0])
        assert not torch.equal(vector(parts.critic.target), before[1])
    advance(online, 1, step)
    assert not torch.equal(vector(parts.transformer), cloned)


def test_the_cloning_term_fades_from_1_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    parts, stage, step = at_the_switch(
        online={"critic_warmup": 0, "clone_fade": 4, "algorithm": {"policy_delay": 1}},
    )
    online = parts.switch(stage, step)
    learner, weights = online.learning.learner, []
    update = learner.update_actor

    def noted(batch: Batch, noise: Tensor, teacher: Actor | None, cloning: float, kind: Kind) -> dict[str, Tensor]:
        assert online.teacher is not None
        assert teacher is None or teacher is online.teacher
        weights.append(None if teacher is None else cloning)
        return update(batch, noise, teacher, cloning, kind)

    monkeypatch.setattr(learner, "update_actor", noted)
    advance(online, 6, step)
    assert weights == [1.0, 0.75, 0.5, 0.25, None, None]


def test_online_algorithm_overrides_single_keys() -> None:
    changed = {"batch_size": 8, "exploration_noise": 0.0, "updates_per_step": 2, "learning_rate": 5e-4, "discount": 0.5}
    parts, stage, step = at_the_switch(online={"algorithm": changed}, env={"episode_steps": 200})
    online = parts.switch(stage, step)
    expected = stage.learning.algorithm.model_copy(update=changed)
    assert online.learning.algorithm == online.learning.learner.section == expected
    assert expected.tau == small().algorithm.tau
    for optimizer in (online.learning.learner.optimizer, parts.critic.optimizer):
        assert optimizer.param_groups[0]["lr"] == 5e-4
    with torch.no_grad():
        wanted = parts.transformer(online.learning.interaction.windows)
    advance(online, 1, step)
    assert torch.equal(newest(online).actions[0], wanted[0])
    assert online.learning.updates == 2


def test_a_networks_own_learning_rate_wins() -> None:
    rates = {"critic": 2e-3, "accelerator": 3e-3, "transformer": 4e-3}
    sections = {name: {"learning_rate": rate} for name, rate in rates.items()}
    parts, stage, step = at_the_switch(**sections, online={"algorithm": {"learning_rate": 1e-5}})
    assert stage.cloning is not None
    assert stage.learning.learner.optimizer.param_groups[0]["lr"] == rates["accelerator"]
    assert stage.cloning.learner.optimizer.param_groups[0]["lr"] == rates["transformer"]
    online = parts.switch(stage, step)
    assert online.learning.learner.optimizer.param_groups[0]["lr"] == rates["transformer"]
    assert parts.critic.optimizer.param_groups[0]["lr"] == rates["critic"]


def test_the_accelerators_replay_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a whole run: a replay of the first stage can be most of a machine's memory."""
    recipe = small()
    folder = new_run(tmp_path, recipe)
    run = Run(recipe, folder, Monitor(folder, Live(recipe.method), attempt=1), Record(folder, 1, tensorboard=False))
    switch, finish = run.switch, run.finish
    old: list[weakref.ref[Replay]] = []
    alive: list[bool] = []

    def noted(stage: Accelerate, leaving: Leaving) -> OnlineStage:
        old.append(weakref.ref(stage.learning.replay))
        return switch(stage, leaving)

    def looked(stage: OnlineStage, leaving: Leaving) -> str:
        gc.collect()
        alive.extend(reference() is not None for reference in old)
        return finish(stage, leaving)

    monkeypatch.setattr(run, "switch", noted)
    monkeypatch.setattr(run, "finish", looked)
    assert train(run) == "FINISHED"
    assert alive == [False]
