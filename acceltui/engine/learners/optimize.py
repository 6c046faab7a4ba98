"""One way to take a gradient step."""

import copy
import math
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)
Metrics = dict[str, Tensor]
"""Detached scalars on the device: reading one waits for it, so nobody does before a row is due."""


def adam(network: nn.Module, learning_rate: float) -> torch.optim.Adam:
    """The optimizer of every network here; one on a GPU can be part of a CUDA graph."""
    on_gpu = next(network.parameters()).is_cuda
    return torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True, capturable=on_gpu)


def descend(loss: Tensor, optimizer: torch.optim.Optimizer, gradient_norm: float = math.inf) -> Tensor:
    """One step of the optimizer's own parameters, gives the length of their gradient; no other network's gradients are
    computed.

    A gradient that is longer than `gradient_norm`, over all parameters, is shortened to it. A parameter that the loss
    does not depend on stays as it is: the spread of a policy whose mean alone is cloned. The length that is given is
    that over all parameters, before it was shortened.
    """
    parameters = optimizer.param_groups[0]["params"]
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    if gradient_norm < math.inf:
        norm = nn.utils.clip_grad_norm_(parameters, gradient_norm)
    else:
        norm = total_norm([gradient for gradient in gradients if gradient is not None])
    optimizer.step()
    return norm


def total_norm(tensors: list[Tensor]) -> Tensor:
    """The length of all of them as one vector, where they are."""
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors)))


def frozen_copy(network: Network) -> Network:
    """A copy that no optimizer touches: a target, or a teacher."""
    return copy.deepcopy(network).eval().requires_grad_(False)
