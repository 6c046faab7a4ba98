"""TD3 and SAC against Stable-Baselines3, whose own `train` runs on the same weights, batches and noise."""

import itertools
from collections.abc import Iterable, Iterator

import gymnasium
import numpy as np
import pytest
import stable_baselines3
import torch
from gymnasium.spaces import Box
from learner_batches import ACTION, CONTEXT, ROWS, STATE, batches, new_learner, noises
from stable_baselines3.common.buffers import ReplayBufferSamples
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from torch import Tensor, nn

from acceltui.engine.learners.sac import SAC
from acceltui.engine.learners.td3 import TD3
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.critic import TwinCritic
from acceltui.engine.replay import Batch

UPDATES = 100
RATE, DISCOUNT, TAU = 1e-3, 0.97, 0.02
LARGEST_DIFFERENCE = 1e-5
ALGORITHM = {"learning_rate": RATE, "discount": DISCOUNT, "tau": TAU}


class Spaces(gymnasium.Env):
    """Nothing but the spaces: no step is ever taken."""

    observation_space = Box(-np.inf, np.inf, (CONTEXT * STATE,), np.float32)
    action_space = Box(-1.0, 1.0, (ACTION,), np.float32)


def set_linears(modules: Iterable[nn.Module], pairs: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Write weights (outputs, inputs) and biases into the linear layers among `modules`, in order."""
    linears = [module for module in modules if isinstance(module, nn.Linear)]
    for linear, (weight, bias) in zip(linears, pairs, strict=True):
        linear.weight.data.copy_(weight)
        linear.bias.data.copy_(bias)


def linears_of(actor: Actor) -> list[tuple[Tensor, Tensor]]:
    """Body first, then the head's layers in the order they were made in."""
    return [(module.weight, module.bias) for module in actor.modules() if isinstance(module, nn.Linear)]


def members_of(critic: TwinCritic) -> Iterator[list[tuple[Tensor, Tensor]]]:
    for member in (0, 1):
        yield [(weight[member].T, bias[member, 0]) for weight, bias in zip(critic.weights, critic.biases, strict=True)]


def flat(pairs: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    return torch.cat([torch.cat((weight.flatten(), bias.flatten())) for weight, bias in pairs]).detach()


def flat_network(network: nn.Module) -> Tensor:
    linears = [module for module in network.modules() if isinstance(module, nn.Linear)]
    return flat((linear.weight, linear.bias) for linear in linears)


def take_weights(theirs: OffPolicyAlgorithm, ours: TD3 | SAC) -> None:
    """Give the other learner the weights of ours, targets included."""
    policy = theirs.policy
    set_linears(policy.actor.modules(), linears_of(ours.actor))
    if isinstance(ours, TD3):
        set_linears(policy.actor_target.modules(), linears_of(ours.target))
    for critic, copied in ((policy.critic, ours.critic.critic), (policy.critic_target, ours.critic.target)):
        for network, pairs in zip(critic.q_networks, members_of(copied), strict=True):
            set_linears(network.modules(), pairs)


def feed(theirs: OffPolicyAlgorithm, given: Iterable[Batch], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let its replay give these batches, a window flattened into an observation."""
    stream = iter(given)

    def sample(batch_size: int, env: object = None) -> ReplayBufferSamples:
        batch = next(stream)
        observed, followed = (windows.state.flatten(1) for windows in (batch.windows, batch.next_windows))
        return ReplayBufferSamples(observed, batch.actions, followed, batch.terminated[:, None], batch.rewards[:, None])

    monkeypatch.setattr(theirs.replay_buffer, "sample", sample)
    theirs.set_logger(Logger(None, []))


def compare(ours: TD3 | SAC, theirs: OffPolicyAlgorithm) -> None:
    """Every parameter of actor, critics and targets, which have all moved."""
    begun = new_learner(algorithm=ALGORITHM | {"kind": ours.section.kind})
    policy = theirs.policy
    pairs = [(flat(linears_of(ours.actor)), flat_network(policy.actor), flat(linears_of(begun.actor)))]
    if isinstance(ours, TD3) and isinstance(begun, TD3):
        pairs.append((flat(linears_of(ours.target)), flat_network(policy.actor_target), flat(linears_of(begun.target))))
    for mine, critic, start in (
        (ours.critic.critic, policy.critic, begun.critic.critic),
        (ours.critic.target, policy.critic_target, begun.critic.target),
    ):
        for member, network, first in zip(members_of(mine), critic.q_networks, members_of(start), strict=True):
            pairs.append((flat(member), flat_network(network), flat(first)))
    for mine, other, first in pairs:
        assert (mine - first).abs().max() > 1e-2
        torch.testing.assert_close(mine, other, rtol=0, atol=LARGEST_DIFFERENCE)


def test_td3_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = new_learner(algorithm=ALGORITHM | {"kind": "td3", "target_noise": {"std": 0.6, "clip": 0.9}})
    assert isinstance(ours, TD3)
    theirs = stable_baselines3.TD3(
        "MlpPolicy",
        Spaces(),
        learning_rate=RATE,
        gamma=DISCOUNT,
        tau=TAU,
        target_policy_noise=0.6,
        target_noise_clip=0.9,
        policy_kwargs={"net_arch": [16, 16], "activation_fn": nn.ReLU},
        device="cpu",
    )
    take_weights(theirs, ours)
    drawn = noises(UPDATES, ACTION)
    for number, (batch, noise) in enumerate(zip(batches(UPDATES), drawn, strict=True), start=1):
        ours.update_critic(batch, noise)
        if number % ours.delay == 0:
            ours.update_actor(batch, noise)

    feed(theirs, batches(UPDATES), monkeypatch)
    stream = iter(drawn)
    monkeypatch.setattr(torch.Tensor, "normal_", lambda self, mean, std: self.copy_(mean + std * next(stream)))
    theirs.train(UPDATES, ROWS)
    compare(ours, theirs)


@pytest.mark.parametrize("tuned", [True, False], ids=["coefficient-tuned", "coefficient-fixed"])
def test_sac_agrees(monkeypatch: pytest.MonkeyPatch, tuned: bool) -> None:
    entropy = {"start": 0.3} if tuned else {"start": 0.3, "target": None}
    ours = new_learner(algorithm=ALGORITHM | {"kind": "sac", "entropy": entropy})
    assert isinstance(ours, SAC)
    theirs = stable_baselines3.SAC(
        "MlpPolicy",
        Spaces(),
        learning_rate=RATE,
        gamma=DISCOUNT,
        tau=TAU,
        ent_coef="auto_0.3" if tuned else 0.3,
        policy_kwargs={"net_arch": [16, 16], "activation_fn": nn.ReLU},
        device="cpu",
    )
    take_weights(theirs, ours)
    now, then = noises(UPDATES, ACTION), noises(UPDATES, ACTION, seed=8)
    for batch, at_window, after_it in zip(batches(UPDATES), now, then, strict=True):
        ours.update_critic(batch, after_it)
        ours.update_actor(batch, at_window)

    feed(theirs, batches(UPDATES), monkeypatch)
    stream = itertools.chain.from_iterable(zip(now, then, strict=True))  # the order that it draws in
    monkeypatch.setattr(torch.distributions.normal, "_standard_normal", lambda *_, **__: next(stream))
    theirs.train(UPDATES, ROWS)
    compare(ours, theirs)
    if tuned:
        assert theirs.log_ent_coef is not None
        torch.testing.assert_close(ours.entropy.alpha(), theirs.log_ent_coef.detach().exp(), rtol=0, atol=1e-5)
        assert abs(ours.entropy.alpha().item() - 0.3) > 1e-2
    assert next(stream, None) is None
