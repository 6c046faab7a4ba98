"""Multilayer perceptrons: the accelerator for Markov states, and the twin critics of every setting."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from acceltui.engine.networks.actor import Actor


class MLPActor(Actor):
    """A multilayer perceptron over the flattened window."""

    def __init__(self, observation: int, action: int, context: int, hidden: Sequence[int]) -> None:
        super().__init__(context)
        widths = [context * observation, *hidden]
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Linear(widths[-1], action))

    def forward(self, windows: Tensor) -> Tensor:
        """Actions (B, A) for windows (B, W, O)."""
        return torch.tanh(self.body(windows[:, -self.context :].flatten(1)))


class TwinCritic(nn.Module):
    """Two independent action-value functions over the window and the action (TD3, arXiv 1802.09477, section 4.2).

    Both live in one set of parameters with a leading axis of 2, so that a layer of both is one batched product.
    """

    def __init__(self, observation: int, action: int, context: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.context = context
        widths = [context * observation + action, *hidden, 1]
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for inputs, outputs in itertools.pairwise(widths):
            bound = 1 / math.sqrt(inputs)  # as nn.Linear begins
            self.weights.append(nn.Parameter(torch.empty(2, inputs, outputs).uniform_(-bound, bound)))
            self.biases.append(nn.Parameter(torch.empty(2, 1, outputs).uniform_(-bound, bound)))

    def forward(self, windows: Tensor, actions: Tensor) -> Tensor:
        """Values (2, B) of actions (B, A) at windows (B, W, O)."""
        return self._evaluate(windows, actions, 2)

    def first(self, windows: Tensor, actions: Tensor) -> Tensor:
        """Values (B,) of the first critic, which the policy ascends."""
        return self._evaluate(windows, actions, 1)[0]

    def _evaluate(self, windows: Tensor, actions: Tensor, members: int) -> Tensor:
        inputs = torch.cat((windows[:, -self.context :].flatten(1), actions), dim=1)
        x = inputs.expand(members, -1, -1)  # (members, B, features)
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias[:members], x, weight[:members])
            if layer < last:
                x = F.relu(x)
        return x.squeeze(2)
