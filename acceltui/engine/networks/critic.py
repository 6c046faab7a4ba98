"""Critics: what actions are worth, and what states are worth."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from acceltui.engine.networks.encoder import Encoder
from acceltui.engine.networks.mlp import MLPBody
from acceltui.engine.networks.precision import full_precision
from acceltui.engine.windows import Windows


class TwinCritic(nn.Module):
    """Two independent action-value functions over the window and the action (TD3, arXiv 1802.09477, section 4.2).

    Both live in one set of parameters with a leading axis of 2, so that a layer of both is one batched product; one
    encoder serves both. With discrete actions, the value of each choice is an output, and actions (one-hot) pick.
    """

    def __init__(
        self, encoder: Encoder, context: int, hidden: Sequence[int], action: int, discrete: bool, norm: bool = False
    ) -> None:
        """`norm`: hidden layers are normalised before their ReLU."""
        super().__init__()
        self.context, self.encoder, self.action, self.discrete = context, encoder, action, discrete
        self.norm = norm
        inputs = context * encoder.features
        widths = [inputs, *hidden, action] if discrete else [inputs + action, *hidden, 1]
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for before, after in itertools.pairwise(widths):
            bound = 1 / math.sqrt(before)  # as nn.Linear begins
            self.weights.append(nn.Parameter(torch.empty(2, before, after).uniform_(-bound, bound)))
            self.biases.append(nn.Parameter(torch.empty(2, 1, after).uniform_(-bound, bound)))

    def first(self, windows: Windows, actions: Tensor) -> Tensor:
        """Values (B,) or (K, B) of the first critic, which the policy ascends."""
        return self(windows, actions, members=1)[0]

    def forward(self, windows: Windows, actions: Tensor, members: int = 2) -> Tensor:
        """Values (members, B) of actions (B, A) at B windows, or (members, K, B) of K actions (K, B, A) at each."""
        seen = self.encoder(windows.tail(self.context)).flatten(1)
        if self.discrete:
            values = self._layers(seen, members)  # (members, B, choices)
            values = values.unsqueeze(1) if actions.dim() == 3 else values
            return (values * actions).sum(dim=-1)
        several = actions.dim() == 3
        if several:
            seen = seen.expand(len(actions), -1, -1).flatten(0, 1)
        values = self._layers(torch.cat((seen, actions.flatten(0, -2)), dim=1), members).squeeze(2)
        return values.unflatten(1, actions.shape[:2]) if several else values

    def _layers(self, inputs: Tensor, members: int) -> Tensor:
        layers = list(zip(self.weights, self.biases, strict=True))
        if members < 2:  # a slice of all has a backward pass that copies the gradient into zeros
            layers = [(weight[:members], bias[:members]) for weight, bias in layers]
        x = inputs.expand(members, -1, -1)  # (members, B, features)
        for weight, bias in layers[:-1]:
            x = torch.baddbmm(bias, x, weight)
            if self.norm:  # without a scale and a shift of its own: the bias before it and the layer behind it do that
                x = F.layer_norm(x, x.shape[-1:])
            x = F.relu(x, inplace=True)
        weight, bias = layers[-1]
        with full_precision(x):
            if weight.shape[2] == 1:  # matrix products take twice as long over a single column
                return torch.linalg.vecdot(x.float(), weight.transpose(1, 2)).unsqueeze(2) + bias
            return torch.baddbmm(bias, x.float(), weight)


class ValueNetwork(nn.Module):
    """What states are worth under the policy (PPO)."""

    def __init__(self, encoder: Encoder, context: int, hidden: Sequence[int], norm: bool = False) -> None:
        """`norm`: hidden layers are normalised before their ReLU."""
        super().__init__()
        self.context, self.encoder = context, encoder
        self.body = MLPBody(encoder.features, context, hidden, norm)
        self.value = nn.Linear(self.body.features, 1)

    def forward(self, windows: Windows) -> Tensor:
        """Values (B,) of B windows."""
        return self.value(self.body(self.encoder(windows.tail(self.context)), None)).squeeze(1)
