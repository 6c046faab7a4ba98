"""What a transformer reads: the tokens that a window becomes."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from acceltui.engine.windows import Past


class Inputs(nn.Module, ABC):
    """From a window to tokens, oldest first; the last is of the newest observation."""

    per_step = 1
    """Tokens of one time step."""

    @abstractmethod
    def forward(self, observed: Tensor, past: Past | None) -> Tensor:
        """Encoded observations (B, C, E), and what led to them, to tokens (B, C x per_step, width)."""


class ObservationTokens(Inputs):
    """One token a time step: the observation."""

    def __init__(self, observed: int, width: int) -> None:
        super().__init__()
        self.observation = nn.Linear(observed, width)

    def forward(self, observed: Tensor, past: Past | None) -> Tensor:
        return self.observation(observed)


class InterleavedTokens(Inputs):
    """Two tokens a time step: the action that led to the observation, and the observation.

    Both say whether the step is padded. Two embeddings tell the two types apart.
    """

    per_step = 2

    def __init__(self, observed: int, action: int, width: int) -> None:
        super().__init__()
        self.action = nn.Linear(action + 1, width)
        self.observation = nn.Linear(observed + 1, width)

    def forward(self, observed: Tensor, past: Past | None) -> Tensor:
        assert past is not None
        padded = past.padded.unsqueeze(2).float()
        actions = self.action(torch.cat((past.actions, padded), dim=2))
        observations = self.observation(torch.cat((observed, padded), dim=2))
        return torch.stack((actions, observations), dim=2).flatten(1, 2)


class ConcatenatedTokens(Inputs):
    """One token a time step: observation, incoming action and reward (arXiv 2510.13367), and whether it is padded."""

    def __init__(self, observed: int, action: int, width: int) -> None:
        super().__init__()
        self.step = nn.Linear(observed + action + 2, width)

    def forward(self, observed: Tensor, past: Past | None) -> Tensor:
        assert past is not None
        scalars = torch.stack((past.rewards, past.padded.float()), dim=2)
        return self.step(torch.cat((observed, past.actions, scalars), dim=2))
