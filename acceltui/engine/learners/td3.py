"""TD3: twin delayed deep deterministic policy gradient (arXiv 1802.09477), for any actor over windows.

`update_critic` and `update_actor` are functions of the learner's state, a batch and noise drawn outside. They return
detached scalars and never wait for the device.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from acceltui.engine.learners.optimize import Metrics, adam, descend, frozen_copy
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.mlp import TwinCritic
from acceltui.engine.replay import Batch
from acceltui.recipe.schema import TD3 as Section

# Weight of the value against a cloning term of weight 1, in their own units (TD3+BC, arXiv 2106.06860, section 5).
VALUE_AGAINST_CLONING = 2.5


class TargetedCritic:
    """The twin critics with target and optimizer: a section of its own, which stays over the switch."""

    def __init__(self, critic: TwinCritic, learning_rate: float) -> None:
        self.critic = critic
        self.target = frozen_copy(critic)
        self.optimizer = adam(critic, learning_rate)


class TD3:
    """An actor that learns from a critic; `terminated` ends the return unless `bootstrap_always`."""

    def __init__(
        self, actor: Actor, critic: TargetedCritic, section: Section, learning_rate: float, bootstrap_always: bool
    ) -> None:
        self.actor, self.critic, self.section = actor, critic, section
        self.bootstrap_always = bootstrap_always
        self.target = frozen_copy(actor)
        self.optimizer = adam(actor, learning_rate)

    def update_critic(self, batch: Batch, noise: Tensor) -> Metrics:
        """One step of both critics towards the smoothed, clipped double-Q target (algorithm 1).

        `noise` (B, A) is standard normal.
        """
        smoothing = self.section.target_noise
        with torch.no_grad():
            wobble = (noise * smoothing.std).clamp(-smoothing.clip, smoothing.clip)
            next_actions = (self.target(batch.next_windows) + wobble).clamp(-1, 1)
            next_values = self.critic.target(batch.next_windows, next_actions).amin(dim=0)  # (B,)
            alive = 1.0 if self.bootstrap_always else 1 - batch.terminated
            targets = batch.rewards + self.section.discount * alive * next_values
        values = self.critic.critic(batch.windows, batch.actions)  # (2, B)
        loss = (values - targets).square().mean(dim=1).sum()
        descend(loss, self.critic.optimizer)
        return {"loss/critic": loss.detach(), "value/mean": values.detach().mean()}

    def update_actor(self, batch: Batch, teacher_actions: Tensor | None = None, cloning: float = 0.0) -> Metrics:
        """One step of the actor up the first critic, then all targets on their way.

        With `teacher_actions` (B, A), the squared distance to them counts with weight `cloning`. It is scaled by the
        mean absolute value, not the value by its inverse, so that the gradient does not jump when the term has faded.
        """
        self.actor.train()
        actions = self.actor(batch.windows)
        self.actor.eval()
        values = self.critic.critic.first(batch.windows, actions)
        loss = -values.mean()
        metrics = {"loss/actor": loss.detach()}
        if teacher_actions is not None:
            distance = F.mse_loss(actions, teacher_actions)
            scale = values.detach().abs().mean() / VALUE_AGAINST_CLONING
            loss = loss + cloning * scale * distance
            metrics["loss/clone"] = distance.detach()
        descend(loss, self.optimizer)
        self.move_targets()
        return metrics

    @torch.no_grad()
    def move_targets(self) -> None:
        """Targets move the share `tau` of their way to their networks."""
        for target, network in ((self.target, self.actor), (self.critic.target, self.critic.critic)):
            torch._foreach_lerp_(list(target.parameters()), list(network.parameters()), self.section.tau)
