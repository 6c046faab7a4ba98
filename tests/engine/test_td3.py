"""The learner against a second implementation that shares no line with it."""

import copy
import math
from collections.abc import Iterator

import pytest
import torch
from engine_recipes import plain_spaces, small
from torch import Tensor, nn

from acceltui.engine.learners.critic import TargetedCritic
from acceltui.engine.learners.td3 import TD3
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.build import build_actor, build_critic
from acceltui.engine.networks.critic import TwinCritic
from acceltui.engine.networks.heads import DeterministicHead
from acceltui.engine.networks.mlp import MLPBody
from acceltui.engine.replay import Batch
from acceltui.engine.windows import Windows
from acceltui.recipe.schema import TD3 as Section
from acceltui.recipe.schema import Critic, MLPAccelerator, TargetNoise

OBSERVATION, ACTION, CONTEXT, ROWS = 4, 2, 3, 64
SECTION = Section(discount=0.9, tau=0.05, policy_delay=2, target_noise=TargetNoise(std=0.8, clip=1.0))
ACTOR_RATE, CRITIC_RATE = 1e-3, 2e-3
SPACES = plain_spaces(OBSERVATION, ACTION)
SILENCE = torch.zeros(ROWS, 0)
"""What an update of TD3's actor takes for noise."""


def new_actor() -> Actor:
    return build_actor(MLPAccelerator(kind="mlp", context=CONTEXT, hidden=[24, 24]), small(), SPACES).eval()


def teacher_of(action: float) -> Actor:
    """One whose every action is this, in all entries."""
    teacher = new_actor()
    assert isinstance(teacher.head, DeterministicHead)
    with torch.no_grad():
        teacher.head.action.weight.zero_()
        teacher.head.action.bias.fill_(math.atanh(action))
    return teacher


def learner(bootstrap_always: bool = False) -> TD3:
    torch.manual_seed(0)
    actor = new_actor()
    critic = build_critic(Critic(context=CONTEXT, hidden=[24, 24]), small(), SPACES)
    return TD3(actor, TargetedCritic(critic, CRITIC_RATE), SECTION, ACTOR_RATE, bootstrap_always)


def batches(count: int, terminated: float = 0.2) -> Iterator[tuple[Batch, Tensor]]:
    """Random batches with the noise of their target actions."""
    generator = torch.Generator().manual_seed(5)
    for _ in range(count):
        frames = torch.randn(ROWS, CONTEXT + 1, OBSERVATION, generator=generator)
        actions = torch.rand(ROWS, ACTION, generator=generator) * 2 - 1
        rewards = torch.randn(ROWS, generator=generator)
        ends = (torch.rand(ROWS, generator=generator) < terminated).float()
        yield (
            Batch(Windows(frames[:, :-1]), actions, rewards, Windows(frames[:, 1:]), ends),
            torch.randn(ROWS, ACTION, generator=generator),
        )


def vector(network: nn.Module) -> Tensor:
    return nn.utils.parameters_to_vector(network.parameters()).detach().clone()


def stack(layers: list[tuple[Tensor, Tensor]]) -> nn.Sequential:
    """nn.Linear layers with ReLU between them, from weights (inputs, outputs) and biases."""
    modules: list[nn.Module] = []
    for weight, bias in layers:
        linear = nn.Linear(*weight.shape)
        linear.weight.data, linear.bias.data = (
            weight.detach().T.contiguous().clone(),
            bias.detach().flatten().clone(),
        )
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def as_stacks(critic: TwinCritic) -> list[nn.Sequential]:
    """The two critics, each a network of its own."""
    pairs = list(zip(critic.weights, critic.biases, strict=True))
    return [stack([(weight[member], bias[member]) for weight, bias in pairs]) for member in (0, 1)]


class PlainTD3:
    """TD3 as in algorithm 1 of arXiv 1802.09477, one line an equation."""

    def __init__(self, copied: TD3) -> None:
        body, head = copied.actor.body, copied.actor.head
        assert isinstance(body, MLPBody) and isinstance(head, DeterministicHead)
        layers = [layer for layer in (*body.layers, head.action) if isinstance(layer, nn.Linear)]
        self.actor = nn.Sequential(stack([(layer.weight.T, layer.bias) for layer in layers]), nn.Tanh())
        self.critics = nn.ModuleList(as_stacks(copied.critic.critic))
        self.actor_target, self.critic_targets = copy.deepcopy(self.actor), copy.deepcopy(self.critics)
        self.actor_adam = torch.optim.Adam(self.actor.parameters(), lr=ACTOR_RATE)
        self.critic_adam = torch.optim.Adam(self.critics.parameters(), lr=CRITIC_RATE)

    def update(self, batch: Batch, noise: Tensor, with_actor: bool) -> None:
        now, after = batch.windows.state.flatten(1), batch.next_windows.state.flatten(1)
        epsilon = (SECTION.target_noise.std * noise).clamp(-SECTION.target_noise.clip, SECTION.target_noise.clip)
        with torch.no_grad():
            action = (self.actor_target(after) + epsilon).clamp(-1, 1)
            q1, q2 = (critic(torch.cat((after, action), 1))[:, 0] for critic in self.critic_targets)
            y = batch.rewards + SECTION.discount * (1 - batch.terminated) * torch.min(q1, q2)
        losses = [
            nn.functional.mse_loss(critic(torch.cat((now, batch.actions), 1))[:, 0], y) for critic in self.critics
        ]
        self.critic_adam.zero_grad()
        (losses[0] + losses[1]).backward()
        self.critic_adam.step()
        if with_actor:
            self.actor_adam.zero_grad()
            (-self.critics[0](torch.cat((now, self.actor(now)), 1)).mean()).backward()
            self.actor_adam.step()
            for target, network in ((self.actor_target, self.actor), (self.critic_targets, self.critics)):
                for old, new in zip(target.parameters(), network.parameters(), strict=True):
                    old.data = (1 - SECTION.tau) * old.data + SECTION.tau * new.data


def test_updates_agree_with_a_plain_implementation() -> None:
    ours = learner()
    plain = PlainTD3(ours)
    for number, (batch, noise) in enumerate(batches(20), start=1):
        ours.update_critic(batch, noise)
        with_actor = number % SECTION.policy_delay == 0
        if with_actor:
            ours.update_actor(batch, SILENCE)
        plain.update(batch, noise, with_actor)

    moved = (vector(ours.actor) - vector(learner().actor)).abs().max()
    assert moved > 5e-3
    for mine, other in (
        (ours.actor, plain.actor),
        (ours.target, plain.actor_target),
        (nn.ModuleList(as_stacks(ours.critic.critic)), plain.critics),
        (nn.ModuleList(as_stacks(ours.critic.target)), plain.critic_targets),
    ):
        torch.testing.assert_close(vector(mine), vector(other), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("terminated", "always", "bootstraps"),
    [(0.0, False, True), (1.0, False, False), (1.0, True, True)],
    ids=["time limit", "terminated", "terminated, bootstrap: always"],
)
def test_what_comes_after_counts_unless_the_episode_ended_by_itself(
    terminated: float, always: bool, bootstraps: bool
) -> None:
    ((batch, noise),) = batches(1, terminated=2 * terminated)
    assert batch.terminated.eq(terminated).all()
    losses = []
    for worth in (0.0, 100.0):
        td3 = learner(always)
        td3.critic.target.biases[-1].data += worth  # what the target thinks of every state
        losses.append(td3.update_critic(batch, noise)["loss/critic"].item())
    assert (losses[0] != losses[1]) == bootstraps


def test_metrics_are_the_loss_and_the_value_before_the_step() -> None:
    ((batch, noise),) = batches(1, terminated=2.0)
    td3 = learner()
    values = td3.critic.critic(batch.windows, batch.actions).detach()
    metrics = td3.update_critic(batch, noise)
    expected = (values - batch.rewards).square().mean(dim=1).sum()
    torch.testing.assert_close(metrics["loss/critic"], expected)
    torch.testing.assert_close(metrics["value/mean"], values.mean())
    assert not any(value.requires_grad for value in metrics.values())


def test_targets_move_by_tau_with_the_actors_update_alone() -> None:
    td3 = learner()
    before = vector(td3.target), vector(td3.critic.target)
    for batch, noise in batches(3):
        td3.update_critic(batch, noise)
    assert torch.equal(vector(td3.target), before[0])
    assert torch.equal(vector(td3.critic.target), before[1])
    td3.update_actor(batch, SILENCE)
    for target, old, network in (
        (td3.target, before[0], td3.actor),
        (td3.critic.target, before[1], td3.critic.critic),
    ):
        torch.testing.assert_close(vector(target), old + SECTION.tau * (vector(network) - old), rtol=0, atol=1e-7)
        assert not torch.equal(vector(target), old)


def test_the_actors_update_leaves_the_critic_alone_and_the_critics_the_actor() -> None:
    td3 = learner()
    ((batch, noise),) = batches(1)
    critic, actor = vector(td3.critic.critic), vector(td3.actor)
    td3.update_actor(batch, SILENCE, teacher_of(0.9), cloning=0.5)
    assert torch.equal(vector(td3.critic.critic), critic)
    assert all(parameter.grad is None for parameter in td3.critic.critic.parameters())
    assert not td3.critic.optimizer.state

    td3 = learner()
    td3.update_critic(batch, noise)
    assert torch.equal(vector(td3.actor), actor)
    assert all(parameter.grad is None for parameter in td3.actor.parameters())


def test_the_actor_climbs_the_first_critic() -> None:
    td3 = learner()
    ((batch, _),) = batches(1)
    heights = [td3.critic.critic(batch.windows, td3.actor(batch.windows)).mean(dim=1)]
    for _ in range(50):
        metrics = td3.update_actor(batch, SILENCE)
    heights.append(td3.critic.critic(batch.windows, td3.actor(batch.windows)).mean(dim=1))
    assert heights[1][0] > heights[0][0] + 0.01
    assert metrics["loss/actor"] < -heights[0][0]


def test_the_cloning_term_pulls_to_the_teacher() -> None:
    def distance(weight: float) -> float:
        td3 = learner()
        ((batch, _),) = batches(1)
        teacher = teacher_of(0.5)
        for _ in range(200):
            metrics = td3.update_actor(batch, SILENCE, teacher, weight)
        return metrics["loss/clone"].item()

    assert distance(1000.0) < 1e-2
    assert distance(0.0) > 0.1
    assert distance(1000.0) < distance(1.0) < distance(0.0)


def test_a_cloning_term_of_weight_0_is_none() -> None:
    one, other = learner(), learner()
    for batch, noise in batches(5):
        for td3, teacher in ((one, None), (other, teacher_of(0.9))):
            td3.update_critic(batch, noise)
            td3.update_actor(batch, SILENCE, teacher, cloning=0.0)
    assert torch.equal(vector(one.actor), vector(other.actor))
