"""TD3: twin delayed deep deterministic policy gradient (arXiv 1802.09477), for any actor over windows.

`update_critic` and `update_actor` are functions of the learner's state, a batch and noise drawn outside. They return
detached scalars and never wait for the device.
"""

import torch
from torch import Tensor

from acceltui.engine.learners.cloning_loss import Kind, distance_to
from acceltui.engine.learners.critic import VALUE_AGAINST_CLONING, TargetedCritic, bootstrapped, move_target
from acceltui.engine.learners.optimize import Metrics, adam, descend, frozen_copy
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.heads import Distribution
from acceltui.engine.replay import Batch
from acceltui.engine.state import State, load_optimizer, optimizer_state
from acceltui.recipe.schema import TD3 as Section


class TD3:
    """An actor that learns from a critic; `terminated` ends the return unless `bootstrap_always`."""

    def __init__(
        self, actor: Actor, critic: TargetedCritic, section: Section, learning_rate: float, bootstrap_always: bool
    ) -> None:
        self.actor, self.critic, self.section = actor, critic, section
        self.bootstrap_always = bootstrap_always
        self.target = frozen_copy(actor)
        self.optimizer = adam(actor, learning_rate)
        self.noise: int = critic.critic.action
        """Standard normal numbers that exploring and an update of the critic take, for each window."""
        self.actor_noise = actor.head.noise
        """The same of an update of the actor."""
        self.delay = section.policy_delay

    def explore(self, said: Distribution, noise: Tensor) -> Tensor:
        """Actions (N, A): what the actor said, with Gaussian noise; `noise` (N, A) is standard normal."""
        return (said.mode() + self.section.exploration_noise * noise).clamp(-1, 1)

    def update_critic(self, batch: Batch, noise: Tensor) -> Metrics:
        """One step of both critics towards the smoothed, clipped double-Q target (algorithm 1).

        `noise` (B, A) is standard normal.
        """
        smoothing = self.section.target_noise
        with torch.no_grad():
            wobble = (noise * smoothing.std).clamp(-smoothing.clip, smoothing.clip)
            next_actions = (self.target(batch.next_windows) + wobble).clamp(-1, 1)
            next_values = self.critic.target(batch.next_windows, next_actions).amin(dim=0)  # (B,)
            targets = bootstrapped(batch, next_values, self.section.discount, self.bootstrap_always)
        return self.critic.descend(batch, targets, weight=1.0)

    def update_actor(
        self,
        batch: Batch,
        noise: Tensor,
        teacher: Actor | None = None,
        cloning: Tensor | float = 0.0,
        kind: Kind = "mse",
    ) -> Metrics:
        """One step of the actor up the first critic, then all targets on their way.

        With a `teacher`, the distance to it counts with weight `cloning`. It is scaled by the mean absolute value, not
        the value by its inverse, so that the gradient does not jump when the term has faded.
        """
        self.actor.train()
        policy = self.actor.distribution(batch.windows)
        self.actor.eval()
        values = self.critic.critic.first(batch.windows, policy.mode())
        loss = -values.mean()
        metrics = {"loss/actor": loss.detach()}
        if teacher is not None:
            distance = distance_to(teacher, batch.windows, policy, kind, noise)
            loss = loss + cloning * values.detach().abs().mean() / VALUE_AGAINST_CLONING * distance
            metrics["loss/clone"] = distance.detach()
        metrics["grad/actor"] = descend(loss, self.optimizer)
        self.move_targets()
        return metrics

    def state(self) -> State:
        """What goes on with the actor: its optimizer and its target."""
        return {"optimizer": optimizer_state(self.optimizer), "target": self.target.state_dict()}

    def load(self, state: State) -> None:
        """Go on from there."""
        load_optimizer(self.optimizer, state["optimizer"])
        self.target.load_state_dict(state["target"])

    def move_targets(self) -> None:
        """Targets move the share `tau` of their way to their networks."""
        move_target(self.target, self.actor, self.section.tau)
        move_target(self.critic.target, self.critic.critic, self.section.tau)
