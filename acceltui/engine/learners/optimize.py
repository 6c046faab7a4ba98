"""One way to take a gradient step."""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)
Metrics = dict[str, Tensor]
"""Detached scalars on the device: reading one waits for it, so nobody does before a row is due."""


def adam(network: nn.Module, learning_rate: float) -> torch.optim.Adam:
    """The optimizer of every network here."""
    return torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)


def descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """One step of the optimizer's own parameters; no other network's gradients are computed."""
    parameters = optimizer.param_groups[0]["params"]
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient
    optimizer.step()


def frozen_copy(network: Network) -> Network:
    """A copy that no optimizer touches: a target, or a teacher."""
    return copy.deepcopy(network).eval().requires_grad_(False)
