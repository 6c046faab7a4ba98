"""What every deterministic actor is: a function of a window."""

from abc import abstractmethod

from torch import Tensor, nn


class Actor(nn.Module):
    """A deterministic policy over the last `context` observations.

    Acting and training call the same `forward`, on windows made by the same rule: one shorter than the context (an
    episode's start) is filled in front with the episode's first observation.
    """

    def __init__(self, context: int) -> None:
        super().__init__()
        self.context = context

    @abstractmethod
    def forward(self, windows: Tensor) -> Tensor:
        """Actions (B, A) in [-1, 1] for windows (B, W, O), W >= context; the last `context` are looked at."""
