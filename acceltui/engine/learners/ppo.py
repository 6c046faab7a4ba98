"""PPO: proximal policy optimization (arXiv 1707.06347), for any actor over windows and any distribution over actions.

As in TD3, updates are functions of the learner's state, a batch and noise drawn outside, and never wait for the device.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from acceltui.engine.learners.cloning_loss import Kind, distance_to
from acceltui.engine.learners.optimize import Metrics, adam, descend
from acceltui.engine.learners.sac import stochastic
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.critic import ValueNetwork
from acceltui.engine.state import State, load_optimizer, optimizer_state
from acceltui.engine.windows import Windows
from acceltui.recipe.schema import PPO as Section

NORMALIZED_EPSILON = 1e-8
"""Keeps advantages that are all the same finite."""


@dataclass(frozen=True)
class Minibatch:
    """B windows of a rollout, and what came of them."""

    windows: Windows
    actions: Tensor
    """(B, A), as they were drawn."""
    log_probs: Tensor
    """(B,), under the policy that acted."""
    advantages: Tensor
    """(B,)"""
    returns: Tensor
    """(B,): what the value network is to say."""


class StateValue:
    """The value network with its optimizer: a section of its own, which stays over the switch."""

    def __init__(self, critic: ValueNetwork, learning_rate: float) -> None:
        self.critic = critic
        self.optimizer = adam(critic, learning_rate)

    @property
    def networks(self) -> dict[str, nn.Module]:
        """What a checkpoint holds of it, by file name."""
        return {"value": self.critic}

    @torch.no_grad()
    def __call__(self, windows: Windows) -> Tensor:
        """Values (B,) of B windows, without gradient."""
        return self.critic(windows)

    def descend(self, batch: Minibatch, gradient_norm: float) -> Metrics:
        """One step down the mean squared error."""
        values = self.critic(batch.windows)
        loss = (values - batch.returns).square().mean()
        norm = descend(loss, self.optimizer, gradient_norm)
        return {"loss/critic": loss.detach(), "value/mean": values.detach().mean(), "grad/critic": norm}


class PPO:
    """An actor that learns from the advantages of its own actions."""

    delay = 1

    def __init__(self, actor: Actor, critic: StateValue, section: Section, learning_rate: float) -> None:
        self.actor, self.critic, self.section = actor, critic, section
        self.optimizer = adam(actor, learning_rate)
        self.noise = actor.head.noise
        """Standard normal numbers that acting and an update of the actor take, for each window."""

    @torch.no_grad()
    def act(self, windows: Windows, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Actions (N, A) drawn from the policy, and their log-probabilities (N,)."""
        policy = stochastic(self.actor, windows)
        actions = policy.sample(noise)
        return actions, policy.log_prob(actions)

    def update_critic(self, batch: Minibatch) -> Metrics:
        """One step of the value network."""
        return self.critic.descend(batch, self.section.gradient_norm)

    def update_actor(
        self, batch: Minibatch, noise: Tensor, teacher: Actor | None = None, cloning: float = 0.0, kind: Kind = "mse"
    ) -> Metrics:
        """One step up the clipped surrogate (equation 7) and the entropy bonus (equation 9).

        With a `teacher`, the distance to it counts with weight `cloning`: advantages are normalised, so that the weight
        means the same in every environment.
        """
        section = self.section
        ready_for_gradients(self.actor)
        policy = stochastic(self.actor, batch.windows)
        self.actor.eval()
        ratio = (policy.log_prob(batch.actions) - batch.log_probs).exp()
        clipped = ratio.clamp(1 - section.clip, 1 + section.clip)
        advantages = normalized(batch.advantages)
        loss = -torch.minimum(ratio * advantages, clipped * advantages).mean()
        metrics = {"loss/actor": loss.detach(), "policy/clipped": (ratio != clipped).detach().float().mean()}
        entropy = policy.entropy(noise).mean()
        metrics["entropy/policy"] = entropy.detach()
        loss = loss - section.entropy_bonus * entropy
        if teacher is not None:
            distance = distance_to(teacher, batch.windows, policy, kind, noise)
            loss = loss + cloning * distance
            metrics["loss/clone"] = distance.detach()
        metrics["grad/actor"] = descend(loss, self.optimizer, section.gradient_norm)
        return metrics

    def state(self) -> State:
        """What goes on with the actor: its optimizer."""
        return {"optimizer": optimizer_state(self.optimizer)}

    def load(self, state: State) -> None:
        """Go on from there."""
        load_optimizer(self.optimizer, state["optimizer"])


def normalized(advantages: Tensor) -> Tensor:
    """Advantages (B,) with mean 0 and standard deviation 1."""
    return (advantages - advantages.mean()) / (advantages.std(correction=0) + NORMALIZED_EPSILON)


def ready_for_gradients(actor: Actor) -> None:
    """Training mode for recurrent layers alone, without which cuDNN gives no gradient of them.

    Dropout stays off: the ratio would take its noise for a change of the policy (arXiv 2202.11818, section 1).
    """
    for module in actor.modules():
        if isinstance(module, nn.RNNBase):
            module.train()


def generalized_advantages(
    rewards: Tensor,
    values: Tensor,
    next_values: Tensor,
    terminated: Tensor,
    ended: Tensor,
    discount: float,
    gae_lambda: float,
) -> Tensor:
    """Advantages (T, N) of T steps in each of N environments (arXiv 1506.02438, equation 16); all arguments (T, N).

    `next_values` are of what a step led to: an episode's last observation where it `ended`. They count but where the
    episode `terminated`; at a time limit it is ended and not terminated. Both flags are 0 or 1.
    """
    errors = rewards + discount * (1 - terminated) * next_values - values
    advantages = torch.empty_like(errors)
    following = torch.zeros_like(errors[0])
    for step in reversed(range(len(errors))):
        following = errors[step] + discount * gae_lambda * (1 - ended[step]) * following
        advantages[step] = following
    return advantages
