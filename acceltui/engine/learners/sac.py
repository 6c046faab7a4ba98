"""SAC: soft actor-critic (arXiv 1812.05905), for any actor over windows and any distribution over actions.

Expectations over the policy go through the actions that stand for it: one draw of a Gaussian, one of each component of
a mixture, every choice of a discrete policy (arXiv 1910.07207). Otherwise as TD3: functions of state, batch and noise.
"""

import math

import torch
from torch import Tensor, nn

from acceltui.engine.learners.cloning_loss import Kind, distance_to
from acceltui.engine.learners.critic import VALUE_AGAINST_CLONING, TargetedCritic, bootstrapped, move_target
from acceltui.engine.learners.optimize import Metrics, adam, descend
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.heads import Distribution, Stochastic
from acceltui.engine.replay import Batch
from acceltui.engine.state import State, load_optimizer, optimizer_state
from acceltui.engine.windows import Windows
from acceltui.recipe.schema import SAC as Section
from acceltui.recipe.schema import Entropy

DISCRETE_SHARE = 0.5
"""Of the entropy that a uniform choice has: the target for discrete actions."""


class EntropyCoefficient(nn.Module):
    """The weight of the entropy, tuned towards a target; it stays over the switch, with its optimizer."""

    def __init__(
        self, section: Entropy, learning_rate: float, action: int, discrete: bool, device: torch.device
    ) -> None:
        super().__init__()
        self.log_alpha = nn.Parameter(torch.tensor([math.log(section.start)], device=device))
        automatic = DISCRETE_SHARE * math.log(action) if discrete else -float(action)
        self.target = automatic if section.target == "auto" else section.target
        self.optimizer = adam(self, learning_rate)

    def alpha(self) -> Tensor:
        """The weight (1,), without gradient."""
        return self.log_alpha.detach().exp()

    def tune(self, entropy: Tensor) -> None:
        """One step: up where the policy's mean `entropy` is below the target (equation 18); none without a target."""
        if self.target is not None:
            descend((self.log_alpha * (entropy.detach() - self.target)).mean(), self.optimizer)


class SAC:
    """An actor that learns from a critic and keeps its entropy; `terminated` ends the return as in TD3."""

    delay = 1

    def __init__(
        self,
        actor: Actor,
        critic: TargetedCritic,
        entropy: EntropyCoefficient,
        section: Section,
        learning_rate: float,
        bootstrap_always: bool,
    ) -> None:
        self.actor, self.critic, self.entropy, self.section = actor, critic, entropy, section
        self.bootstrap_always = bootstrap_always
        self.optimizer = adam(actor, learning_rate)
        self.noise = self.actor_noise = actor.head.noise
        """Standard normal numbers that exploring and updates take, for each window."""

    def explore(self, said: Distribution, noise: Tensor) -> Tensor:
        """Actions (N, A) drawn from what the actor said."""
        assert isinstance(said, Stochastic)
        return said.sample(noise)

    def update_critic(self, batch: Batch, noise: Tensor) -> Metrics:
        """One step of both critics towards the soft double-Q target (equations 5 to 7)."""
        with torch.no_grad():
            support = stochastic(self.actor, batch.next_windows).support(noise)
            next_values = self.critic.target(batch.next_windows, support.actions).amin(dim=0)  # (K, B)
            soft = support.mean(next_values - self.entropy.alpha() * support.log_probs)
            targets = bootstrapped(batch, soft, self.section.discount, self.bootstrap_always)
        return self.critic.descend(batch, targets, weight=0.5)

    def update_actor(
        self,
        batch: Batch,
        noise: Tensor,
        teacher: Actor | None = None,
        cloning: Tensor | float = 0.0,
        kind: Kind = "mse",
    ) -> Metrics:
        """One step of the actor (equation 9) and of the entropy's weight, then the critics' target on its way.

        A `teacher` counts as in TD3. While there is one, the entropy is not the actor's own choice and its weight stays
        as it is: tuned, it would wind up as long as the teacher's entropy is not the target.
        """
        self.actor.train()
        policy = stochastic(self.actor, batch.windows)
        self.actor.eval()
        support = policy.support(noise)
        values = self.critic.critic(batch.windows, support.actions).amin(dim=0)  # (K, B)
        loss = support.mean(self.entropy.alpha() * support.log_probs - values).mean()
        entropy = -support.mean(support.log_probs).detach().mean()
        metrics = {"loss/actor": loss.detach(), "entropy/policy": entropy}
        if teacher is not None:
            distance = distance_to(teacher, batch.windows, policy, kind, noise)
            loss = loss + cloning * values.detach().abs().mean() / VALUE_AGAINST_CLONING * distance
            metrics["loss/clone"] = distance.detach()
        else:
            self.entropy.tune(entropy)
        metrics["entropy/coefficient"] = self.entropy.alpha()[0]
        metrics["grad/actor"] = descend(loss, self.optimizer)
        self.move_targets()
        return metrics

    def state(self) -> State:
        """What goes on with the actor: its optimizer."""
        return {"optimizer": optimizer_state(self.optimizer)}

    def load(self, state: State) -> None:
        """Go on from there."""
        load_optimizer(self.optimizer, state["optimizer"])

    def move_targets(self) -> None:
        """The critics' target moves the share `tau` of its way."""
        move_target(self.critic.target, self.critic.critic, self.section.tau)


def stochastic(actor: Actor, windows: Windows) -> Stochastic:
    """What an actor with a distribution says."""
    policy = actor.distribution(windows)
    assert isinstance(policy, Stochastic)
    return policy
