"""Behaviour cloning of the accelerator by the whole transformer."""

from torch import Tensor

from acceltui.engine.learners.cloning_loss import Kind, distance_to
from acceltui.engine.learners.optimize import Metrics, adam, descend
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.critic import TwinCritic
from acceltui.engine.windows import Windows


class BehaviourCloning:
    """A step towards the accelerator's policy, optionally with ascent on its critic.

    Source: arXiv 2509.26137, stage 1. The ascent is that paper's option; here it is normalised by the mean absolute
    value, so that its weight means the same in every environment.
    """

    def __init__(
        self,
        transformer: Actor,
        teacher: Actor,
        critic: TwinCritic | None,
        kind: Kind,
        learning_rate: float,
        ascent: float,
    ) -> None:
        """`critic`: the accelerator's, which is there where there is ascent."""
        self.transformer, self.teacher, self.critic = transformer, teacher, critic
        self.kind, self.ascent = kind, ascent
        self.optimizer = adam(transformer, learning_rate)

    def update(self, windows: Windows, noise: Tensor) -> Metrics:
        """One step towards what the teacher says at `windows` now: what a replay holds was done by older policies, with
        noise. `noise` (B, noise of the teacher's head) is standard normal."""
        self.transformer.train()
        student = self.transformer.distribution(windows)
        self.transformer.eval()
        distance = distance_to(self.teacher, windows, student, self.kind, noise)
        loss = distance
        if self.ascent:
            assert self.critic is not None
            values = self.critic.first(windows, student.mode())
            loss = loss - self.ascent * values.mean() / values.detach().abs().mean()
        norm = descend(loss, self.optimizer)
        return {"loss/clone": distance.detach(), "grad/clone": norm}
