"""Behaviour cloning of the accelerator by the whole transformer."""

from torch import Tensor

from acceltui.engine.learners.cloning_loss import Kind, cloning_loss
from acceltui.engine.learners.optimize import Metrics, adam, descend
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.critic import TwinCritic
from acceltui.engine.networks.heads import Distribution
from acceltui.engine.windows import Windows


class BehaviourCloning:
    """A step towards the accelerator's policy, optionally with ascent on its critic.

    Source: arXiv 2509.26137, stage 1. The ascent is that paper's option; here it is normalised by the mean absolute
    value, so that its weight means the same in every environment.
    """

    def __init__(self, transformer: Actor, kind: Kind, learning_rate: float, ascent: float) -> None:
        self.transformer, self.kind, self.ascent = transformer, kind, ascent
        self.optimizer = adam(transformer, learning_rate)

    def update(self, windows: Windows, teacher: Distribution, noise: Tensor, critic: TwinCritic | None) -> Metrics:
        """One step towards what the `teacher` says at `windows`; `critic` is there where there is ascent."""
        self.transformer.train()
        student = self.transformer.distribution(windows)
        self.transformer.eval()
        distance = cloning_loss(self.kind, student, teacher, noise)
        loss = distance
        if self.ascent:
            assert critic is not None
            values = critic.first(windows, student.mode())
            loss = loss - self.ascent * values.mean() / values.detach().abs().mean()
        descend(loss, self.optimizer)
        return {"loss/clone": distance.detach()}
