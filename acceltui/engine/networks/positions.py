"""How a token knows its place: a table added to the tokens, or a rotation of queries and keys.

Positions count time steps: the tokens of one step share one. Which of them a token is, its embedding tells.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

BASE = 10_000.0
"""Wavelengths grow geometrically from 2 pi to 2 pi times this."""


class LearnedPositions(nn.Module):
    """A vector for each time step of the window, learned."""

    def __init__(self, context: int, per_step: int, width: int) -> None:
        """`per_step`: tokens of one time step."""
        super().__init__()
        self.per_step = per_step
        self.table = nn.Parameter(torch.randn(context, width) * 0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, context x per_step, width), told their places."""
        table = self.table if self.per_step == 1 else self.table.repeat_interleave(self.per_step, dim=0)
        return tokens + table


class SinusoidalPositions(nn.Module):
    """Sines and cosines of geometrically growing wavelengths (arXiv 1706.03762, section 3.5)."""

    table: Tensor

    def __init__(self, context: int, per_step: int, width: int) -> None:
        """`per_step`: tokens of one time step."""
        super().__init__()
        angles = torch.arange(context)[:, None] * frequencies(math.ceil(width / 2))
        table = torch.stack((angles.sin(), angles.cos()), dim=2).flatten(1)[:, :width]
        self.register_buffer("table", table.repeat_interleave(per_step, dim=0), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, context x per_step, width), told their places."""
        return tokens + self.table


class Turns(NamedTuple):
    """By what angles the vectors at T positions are turned."""

    cosine: Tensor
    """(T, D / 2)"""
    sine: Tensor
    """(T, D / 2)"""

    def apply(self, x: Tensor) -> Tensor:
        """Vectors (..., T', D) of the last T' of the T positions, each pair of entries turned."""
        cosine, sine = self.cosine[-x.shape[-2] :], self.sine[-x.shape[-2] :]
        one, other = x.chunk(2, dim=-1)
        return torch.cat((one * cosine - other * sine, one * sine + other * cosine), dim=-1)


class RotaryPositions(nn.Module):
    """Queries and keys turned by their positions, so that their products know distances alone (arXiv 2104.09864)."""

    frequencies: Tensor

    def __init__(self, width: int, heads: int) -> None:
        """A head has width / heads entries: an even number."""
        super().__init__()
        self.register_buffer("frequencies", frequencies(width // heads // 2), persistent=False)

    def forward(self, steps: Tensor) -> Turns:
        """What turns the queries and keys of time steps (T,)."""
        angles = steps[:, None] * self.frequencies
        return Turns(angles.cos(), angles.sin())


def frequencies(count: int) -> Tensor:
    """Angles a step (count,), from 1 down to nearly 1 / BASE."""
    return BASE ** (-torch.arange(count) / count)
