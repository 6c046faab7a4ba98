"""The transformer's own critic, which learns beside it in stage accelerate."""

import pytest
import torch
from engine_recipes import small
from learner_batches import REAL, batches, new_learner, noises
from stepping import adam_state, advance, at_the_switch, vector
from torch import nn

from acceltui.engine.learners.critic import TargetedCritic
from acceltui.engine.learners.td3 import TD3
from acceltui.engine.networks.build import build_critic
from acceltui.engine.own_critic import OwnCritic

KINDS = pytest.mark.parametrize("kind", ["td3", "sac"])


def accelerators_critic() -> TargetedCritic:
    """Other weights than the learner's."""
    recipe = small()
    torch.manual_seed(1)
    return TargetedCritic(build_critic(recipe.critic, recipe, REAL), 1e-3)


def own_critic(kind: str, clones: bool, backs_up: bool, accelerators: TargetedCritic) -> OwnCritic:
    learner = new_learner(algorithm={"kind": kind, "learning_rate": 3e-3, "tau": 0.05, "discount": 0.9})
    return OwnCritic(learner, accelerators, clones, backs_up)


def distance(own: OwnCritic, accelerators: TargetedCritic) -> float:
    """Mean squared difference of the values, at a batch that none learned from."""
    *_, batch = batches(151)
    wanted, values = (critic(batch.windows, batch.actions) for critic in (accelerators.critic, own.critic.critic))
    return (wanted - values).square().mean().item()


def learn(own: OwnCritic, updates: int = 150) -> dict[str, torch.Tensor]:
    for batch, noise in zip(batches(updates), noises(updates, own.learner.noise), strict=True):
        metrics = own.update(batch, noise)
    return metrics


@KINDS
def test_by_cloning_it_learns_the_accelerators_values(kind: str) -> None:
    accelerators = accelerators_critic()
    before = vector(accelerators.critic)
    own = own_critic(kind, True, False, accelerators)
    far = distance(own, accelerators)
    assert learn(own).keys() == {"loss/critic_clone"}
    assert distance(own, accelerators) < 0.2 * far
    assert torch.equal(vector(accelerators.critic), before)


@KINDS
def test_by_backup_it_learns_other_values_and_both_together_lie_between(kind: str) -> None:
    accelerators = accelerators_critic()
    cloned, backed_up, both = (
        own_critic(kind, clones, backs_up, accelerators)
        for clones, backs_up in ((True, False), (False, True), (True, True))
    )
    learn(cloned)
    assert learn(backed_up).keys() == {"loss/critic_own"}
    assert learn(both).keys() == {"loss/critic_clone", "loss/critic_own"}
    distances = [distance(own, accelerators) for own in (cloned, both, backed_up)]
    assert distances[0] < distances[1] < distances[2]


@KINDS
def test_the_backup_is_the_learners_own_update(kind: str) -> None:
    own = own_critic(kind, False, True, accelerators_critic())
    learner = own_critic(kind, False, True, accelerators_critic()).learner
    for batch, noise in zip(batches(5), noises(5, learner.noise), strict=True):
        own.update(batch, noise)
        learner.update_critic(batch, noise)
        learner.move_targets()
    assert torch.equal(vector(own.critic.critic), vector(learner.critic.critic))
    assert torch.equal(vector(own.critic.target), vector(learner.critic.target))


def test_the_backup_asks_the_transformer_as_it_has_become() -> None:
    """TD3 asks its target of the actor, which must follow the cloned transformer."""
    own = own_critic("td3", False, True, accelerators_critic())
    assert isinstance(own.learner, TD3)
    with torch.no_grad():
        for parameter in own.learner.actor.parameters():
            parameter.add_(0.5)
    learn(own, updates=120)
    torch.testing.assert_close(vector(own.learner.target), vector(own.learner.actor), rtol=0, atol=5e-3)


@pytest.mark.parametrize("critic", ["clone", "bellman", "clone+bellman"])
@KINDS
def test_at_the_switch_it_takes_the_critics_place(kind: str, critic: str) -> None:
    parts, stage, step = at_the_switch(algorithm={"kind": kind}, clone={"critic": critic})
    assert stage.cloning is not None and stage.cloning.own_critic is not None
    own, old = stage.cloning.own_critic.critic, parts.critic
    metrics = stage.cloning.meter.take()
    assert ("loss/critic_clone" in metrics) == ("clone" in critic)
    assert ("loss/critic_own" in metrics) == ("bellman" in critic)
    assert own is not old
    before = vector(own.critic, own.target), adam_state(own.optimizer)
    online = parts.switch(stage, step)
    assert parts.critic is own and online.learning.learner.critic is own
    assert torch.equal(vector(own.critic, own.target), before[0])
    assert before[1] and all(map(torch.equal, adam_state(own.optimizer), before[1]))
    held: dict[str, nn.Module] = parts.networks
    assert held["critic"] is own.critic and held["critic_target"] is own.target
    left = vector(old.critic, old.target)
    advance(online, 30, step)
    assert torch.equal(vector(old.critic, old.target), left)
    assert not torch.equal(vector(own.critic, own.target), before[0])
