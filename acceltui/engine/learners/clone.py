"""Behaviour cloning of the accelerator by the whole transformer."""

from torch import Tensor
from torch.nn import functional as F

from acceltui.engine.learners.optimize import Metrics, adam, descend
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.mlp import TwinCritic


class BehaviourCloning:
    """Mean squared error to the accelerator's actions, optionally with ascent on its critic.

    Source: arXiv 2509.26137, stage 1. The ascent is that paper's option; here it is normalised by the mean absolute
    value, so that its weight means the same in every environment.
    """

    def __init__(self, transformer: Actor, learning_rate: float, ascent: float) -> None:
        self.transformer, self.ascent = transformer, ascent
        self.optimizer = adam(transformer, learning_rate)

    def update(self, windows: Tensor, actions: Tensor, critic: TwinCritic) -> Metrics:
        """One step towards `actions` (B, A) at `windows` (B, C, O)."""
        self.transformer.train()
        cloned = self.transformer(windows)
        self.transformer.eval()
        distance = F.mse_loss(cloned, actions)
        loss = distance
        if self.ascent:
            values = critic.first(windows, cloned)
            loss = loss - self.ascent * values.mean() / values.detach().abs().mean()
        descend(loss, self.optimizer)
        return {"loss/clone": distance.detach()}
