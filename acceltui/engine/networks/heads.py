"""From features to actions: a deterministic one, or a distribution over them.

Noise is drawn outside and passed in as standard normal numbers, so that an update is a function of its arguments.
"""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LOG_STD_MIN, LOG_STD_MAX = -20.0, 2.0
SQUASH_EPSILON = 1e-6
"""Keeps the logarithm of 1 - tanh^2 finite."""


class Support(NamedTuple):
    """K actions a row whose weighted mean stands for an expectation over the policy."""

    weights: Tensor
    """(K, B), summing to 1 over K."""
    actions: Tensor
    """(K, B, A)"""
    log_probs: Tensor
    """(K, B)"""

    def mean(self, values: Tensor) -> Tensor:
        """The expectation (B,) of `values` (K, B)."""
        return (self.weights * values).sum(dim=0)


class Distribution(ABC):
    """What a head says of B windows."""

    @abstractmethod
    def mode(self) -> Tensor:
        """The deterministic policy's actions (B, A)."""


class Deterministic(Distribution):
    """One action and no other."""

    def __init__(self, actions: Tensor) -> None:
        self.actions = actions

    def mode(self) -> Tensor:
        """Actions (B, A)."""
        return self.actions


class Stochastic(Distribution):
    """A distribution that can be drawn from and measured."""

    @abstractmethod
    def sample(self, noise: Tensor) -> Tensor:
        """Actions (B, A) from standard normal `noise` (B, noise of the head)."""

    @abstractmethod
    def support(self, noise: Tensor) -> Support:
        """Actions that stand for the distribution, differentiable in its parameters."""

    @abstractmethod
    def log_prob(self, actions: Tensor) -> Tensor:
        """Log-density or log-probability (B,) of actions (B, A)."""

    @abstractmethod
    def entropy(self, noise: Tensor) -> Tensor:
        """(B,), exact where there is a formula, else an estimate from `noise`."""

    @abstractmethod
    def divergence_to(self, other: "Stochastic", noise: Tensor) -> Tensor:
        """Kullback-Leibler divergence (B,) from this one to another; an estimate where there is no formula."""


class Gaussian(Stochastic):
    """A diagonal Gaussian, squashed into (-1, 1) by tanh (SAC, arXiv 1812.05905, appendix C) or not (PPO)."""

    def __init__(self, mean: Tensor, log_std: Tensor, squashed: bool) -> None:
        self.mean, self.log_std, self.squashed = mean, log_std.expand_as(mean), squashed

    def mode(self) -> Tensor:
        return torch.tanh(self.mean) if self.squashed else self.mean

    def sample(self, noise: Tensor) -> Tensor:
        raw = self.mean + self.log_std.exp() * noise
        return torch.tanh(raw) if self.squashed else raw

    def support(self, noise: Tensor) -> Support:
        raw = self.mean + self.log_std.exp() * noise
        actions = torch.tanh(raw) if self.squashed else raw
        return Support(torch.ones_like(noise[None, :, 0]), actions[None], self._log_prob(raw, actions)[None])

    def log_prob(self, actions: Tensor) -> Tensor:
        return self._log_prob(unsquashed(actions) if self.squashed else actions, actions)

    def entropy(self, noise: Tensor) -> Tensor:
        if self.squashed:
            return -self.support(noise).log_probs[0]
        return (self.log_std + 0.5 * math.log(2 * math.pi * math.e)).sum(dim=1)

    def divergence_to(self, other: Stochastic, noise: Tensor) -> Tensor:
        if not isinstance(other, Gaussian):
            return estimated_divergence(self, other, noise)
        # Squashing changes both densities alike, so that the divergence is that of the Gaussians.
        ratio = 2 * (self.log_std - other.log_std)
        distance = ((self.mean - other.mean) / other.log_std.exp()).square()
        return 0.5 * (ratio.exp() + distance - 1 - ratio).sum(dim=1)

    def _log_prob(self, raw: Tensor, actions: Tensor) -> Tensor:
        standard = (raw - self.mean) / self.log_std.exp()
        density = -0.5 * standard.square() - self.log_std - 0.5 * math.log(2 * math.pi)
        if self.squashed:
            density = density - torch.log(1 - actions.square() + SQUASH_EPSILON)
        return density.sum(dim=1)


class Categorical(Stochastic):
    """A choice among A; an action is one-hot."""

    def __init__(self, logits: Tensor) -> None:
        self.log_probs = F.log_softmax(logits, dim=1)

    def mode(self) -> Tensor:
        return self._one_hot(self.log_probs.argmax(dim=1))

    def sample(self, noise: Tensor) -> Tensor:
        # A standard normal number through its distribution function is uniform; that, through the inverse of the
        # cumulative probabilities, a choice.
        uniform = torch.special.ndtr(noise)
        below = self.log_probs.exp().cumsum(dim=1) < uniform
        return self._one_hot(below.sum(dim=1).clamp(max=self.log_probs.shape[1] - 1))

    def support(self, noise: Tensor) -> Support:
        rows, choices = self.log_probs.shape
        every = torch.eye(choices, device=noise.device)[:, None].expand(-1, rows, -1)
        return Support(self.log_probs.exp().T, every, self.log_probs.T)

    def log_prob(self, actions: Tensor) -> Tensor:
        return (self.log_probs * actions).sum(dim=1)

    def entropy(self, noise: Tensor) -> Tensor:
        return -(self.log_probs.exp() * self.log_probs).sum(dim=1)

    def divergence_to(self, other: Stochastic, noise: Tensor) -> Tensor:
        assert isinstance(other, Categorical)
        return (self.log_probs.exp() * (self.log_probs - other.log_probs)).sum(dim=1)

    def _one_hot(self, choices: Tensor) -> Tensor:
        return F.one_hot(choices, self.log_probs.shape[1]).float()


class Mixture(Stochastic):
    """K diagonal Gaussians with weights (as the head of GIVT, arXiv 2312.02116, section 3.2), squashed or not."""

    def __init__(self, logits: Tensor, mean: Tensor, log_std: Tensor, squashed: bool) -> None:
        """`logits` (B, K), `mean` and `log_std` (B, K, A)."""
        self.log_weights = F.log_softmax(logits, dim=1)
        self.mean, self.log_std, self.squashed = mean, log_std, squashed

    def mode(self) -> Tensor:
        likeliest = self.log_weights.argmax(dim=1)
        mean = self.mean[torch.arange(len(likeliest), device=likeliest.device), likeliest]
        return torch.tanh(mean) if self.squashed else mean

    def sample(self, noise: Tensor) -> Tensor:
        uniform = torch.special.ndtr(noise[:, :1])
        chosen = (self.log_weights.exp().cumsum(dim=1) < uniform).sum(dim=1).clamp(max=self.mean.shape[1] - 1)
        row = torch.arange(len(chosen), device=chosen.device)
        raw = self.mean[row, chosen] + self.log_std[row, chosen].exp() * self._normals(noise)[row, chosen]
        return torch.tanh(raw) if self.squashed else raw

    def support(self, noise: Tensor) -> Support:
        # One draw of each component, weighted: the weights' gradient is exact, the components' goes through the draw.
        raw = (self.mean + self.log_std.exp() * self._normals(noise)).transpose(0, 1)  # (K, B, A)
        actions = torch.tanh(raw) if self.squashed else raw
        return Support(self.log_weights.exp().T, actions, self._log_prob(raw, actions))

    def log_prob(self, actions: Tensor) -> Tensor:
        raw = unsquashed(actions) if self.squashed else actions
        return self._log_prob(raw[None], actions[None])[0]

    def entropy(self, noise: Tensor) -> Tensor:
        support = self.support(noise)
        return -support.mean(support.log_probs)

    def divergence_to(self, other: Stochastic, noise: Tensor) -> Tensor:
        return estimated_divergence(self, other, noise)

    def _normals(self, noise: Tensor) -> Tensor:
        return noise[:, 1:].unflatten(1, self.mean.shape[1:])

    def _log_prob(self, raw: Tensor, actions: Tensor) -> Tensor:
        """(M, B) of M actions a row, given as (M, B, A)."""
        standard = (raw[:, :, None] - self.mean) / self.log_std.exp()  # (M, B, K, A)
        density = (-0.5 * standard.square() - self.log_std - 0.5 * math.log(2 * math.pi)).sum(dim=3)
        mixed = torch.logsumexp(self.log_weights + density, dim=2)
        if self.squashed:
            mixed = mixed - torch.log(1 - actions.square() + SQUASH_EPSILON).sum(dim=2)
        return mixed


def unsquashed(actions: Tensor) -> Tensor:
    """What tanh made `actions` of."""
    return torch.atanh(actions.clamp(-1 + SQUASH_EPSILON, 1 - SQUASH_EPSILON))


def estimated_divergence(first: Stochastic, second: Stochastic, noise: Tensor) -> Tensor:
    """Kullback-Leibler divergence (B,), from the actions that stand for the first."""
    support = first.support(noise)
    k, rows, entries = support.actions.shape
    elsewhere = torch.stack([second.log_prob(actions) for actions in support.actions.view(k, rows, entries)])
    return support.mean(support.log_probs - elsewhere)


class Head(nn.Module, ABC):
    """The last layers of an actor."""

    noise: int
    """Standard normal numbers that a draw takes, for each window."""

    @abstractmethod
    def forward(self, features: Tensor) -> Distribution:
        """What features (B, F) say of the action."""


class DeterministicHead(Head):
    """tanh of a linear layer (TD3)."""

    noise = 0

    def __init__(self, features: int, action: int) -> None:
        super().__init__()
        self.action = nn.Linear(features, action)

    def forward(self, features: Tensor) -> Deterministic:
        return Deterministic(torch.tanh(self.action(features)))


class SquashedGaussianHead(Head):
    """Mean and spread, both of the window, squashed by tanh (SAC)."""

    def __init__(self, features: int, action: int) -> None:
        super().__init__()
        self.noise = action
        self.mean, self.log_std = nn.Linear(features, action), nn.Linear(features, action)

    def forward(self, features: Tensor) -> Gaussian:
        return Gaussian(self.mean(features), self.log_std(features).clamp(LOG_STD_MIN, LOG_STD_MAX), squashed=True)


class GaussianHead(Head):
    """A mean of the window and a spread that is the same everywhere (PPO)."""

    def __init__(self, features: int, action: int) -> None:
        super().__init__()
        self.noise = action
        self.mean = nn.Linear(features, action)
        with torch.no_grad():
            self.mean.weight.mul_(0.01)  # the first policy is near zero, whatever the features
        self.log_std = nn.Parameter(torch.zeros(action))

    def forward(self, features: Tensor) -> Gaussian:
        return Gaussian(self.mean(features), self.log_std, squashed=False)


class CategoricalHead(Head):
    """A choice (SAC and PPO with discrete actions)."""

    noise = 1

    def __init__(self, features: int, choices: int) -> None:
        super().__init__()
        self.logits = nn.Linear(features, choices)
        with torch.no_grad():
            self.logits.weight.mul_(0.01)

    def forward(self, features: Tensor) -> Categorical:
        return Categorical(self.logits(features))


class MixtureHead(Head):
    """A mixture of Gaussians, squashed (SAC) or not (PPO)."""

    def __init__(self, features: int, action: int, components: int, squashed: bool) -> None:
        super().__init__()
        self.noise = 1 + components * action
        self.shape, self.squashed = (components, action), squashed
        self.logits = nn.Linear(features, components)
        self.mean = nn.Linear(features, components * action)
        self.log_std = nn.Linear(features, components * action)

    def forward(self, features: Tensor) -> Mixture:
        mean, log_std = (layer(features).unflatten(1, self.shape) for layer in (self.mean, self.log_std))
        return Mixture(self.logits(features), mean, log_std.clamp(LOG_STD_MIN, LOG_STD_MAX), self.squashed)
