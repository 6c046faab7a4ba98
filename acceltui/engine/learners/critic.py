"""The twin critics as a section of their own, which stays over the switch."""

import torch
from torch import nn

from acceltui.engine.learners.optimize import adam, descend, frozen_copy
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.critic import TwinCritic
from acceltui.engine.replay import Batch

# Weight of the value against a cloning term of weight 1, in their own units (TD3+BC, arXiv 2106.06860, section 5).
VALUE_AGAINST_CLONING = 2.5


class TargetedCritic:
    """The twin critics with target and optimizer."""

    def __init__(self, critic: TwinCritic, learning_rate: float) -> None:
        self.critic = critic
        self.target = frozen_copy(critic)
        self.optimizer = adam(critic, learning_rate)

    @property
    def networks(self) -> dict[str, nn.Module]:
        """What a checkpoint holds of it, by file name."""
        return {"critic": self.critic, "critic_target": self.target}

    def descend(self, batch: Batch, targets: torch.Tensor, weight: float) -> dict[str, torch.Tensor]:
        """One step of both critics towards `targets` (B,): `weight` times the sum of their mean squared errors."""
        values = self.critic(batch.windows, batch.actions)  # (2, B)
        loss = weight * (values - targets).square().mean(dim=1).sum()
        norm = descend(loss, self.optimizer)
        return {"loss/critic": loss.detach(), "value/mean": values.detach().mean(), "grad/critic": norm}


def bootstrapped(batch: Batch, next_values: torch.Tensor, discount: float, always: bool) -> torch.Tensor:
    """What windows are worth (B,): the reward and the value (B,) of what followed, if it went on or `always`."""
    alive = 1.0 if always else 1 - batch.terminated
    return batch.rewards + discount * alive * next_values


@torch.no_grad()
def move_target(target: Actor | TwinCritic, network: Actor | TwinCritic, tau: float) -> None:
    """The target moves the share `tau` of its way to its network."""
    torch._foreach_lerp_(list(target.parameters()), list(network.parameters()), tau)
