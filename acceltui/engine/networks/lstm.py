"""The recurrent accelerator, for settings where something is hidden."""

import torch
from torch import Tensor, nn

from acceltui.engine.networks.actor import Actor


class LSTMActor(Actor):
    """A long short-term memory run over the window from a zero state; its last output gives the action."""

    def __init__(self, observation: int, action: int, context: int, hidden: int, layers: int) -> None:
        super().__init__(context)
        self.memory = nn.LSTM(observation, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, action)

    def forward(self, windows: Tensor) -> Tensor:
        """Actions (B, A) for windows (B, W, O)."""
        outputs, _ = self.memory(windows[:, -self.context :])  # (B, C, hidden)
        return torch.tanh(self.head(outputs[:, -1]))
