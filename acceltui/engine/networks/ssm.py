"""Diagonal state-space layers (S4D, arXiv 2206.11893): a convolution over a sequence, and a recurrence as well."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from acceltui.engine.networks.actor import State
from acceltui.engine.networks.transformer import MemoryModel
from acceltui.recipe.schema import SSM

FASTEST = 0.5
"""The largest step that a channel begins with; the smallest is one in a window, so that scales run from two tokens to
all of them (S4D takes 0.001 to 0.1, for sequences of thousands)."""


class DiagonalSSM(nn.Module):
    """For each channel a linear system x' = A x + u, y = 2 Re(C x) + D u with diagonal complex A, held between tokens.

    A begins as -1/2 + i pi n (S4D-Lin); its real part is minus an exponential, so that the system stays stable. Each
    state stands for itself and its conjugate.
    """

    def __init__(self, width: int, states: int, tokens: int) -> None:
        super().__init__()
        self.log_decay = nn.Parameter(torch.full((width, states), math.log(0.5)))
        self.frequency = nn.Parameter((math.pi * torch.arange(states)).expand(width, -1).clone())
        slowest = math.log(min(1 / tokens, FASTEST))
        self.log_step = nn.Parameter(torch.empty(width, 1).uniform_(slowest, math.log(FASTEST)))
        self.output = nn.Parameter(torch.randn(2, width, states) * math.sqrt(0.5))
        """Real and imaginary part of C."""
        self.skip = nn.Parameter(torch.randn(width))

    def forward(self, u: Tensor, last_only: bool) -> Tensor:
        """u (B, T, width) to (B, T, width), or to (B, 1, width): the last position."""
        kernel = self._kernel(u.shape[1])
        if last_only:
            return (u * kernel.flip(1).T).sum(dim=1, keepdim=True) + self.skip * u[:, -1:]
        # A product with the banded matrix [t, s] = kernel[t - s]: faster on a CPU than a depthwise convolution or a
        # Fourier transform, at 10 positions and at 100.
        length = u.shape[1]
        banded = F.pad(kernel.flip(1), (0, length - 1)).unfold(1, length, 1).flip(1)  # (width, T, T)
        return torch.bmm(banded, u.permute(2, 1, 0)).permute(2, 1, 0) + self.skip * u

    def step(self, u: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """The next input (B, 1, width) and the state before it (B, width, states, 2) to output and state."""
        exponent, gain = self._discrete()
        state = torch.view_as_complex(x) * exponent.exp() + u.transpose(1, 2)
        y = 2 * (gain * state).real.sum(dim=2).unsqueeze(1) + self.skip * u
        return y, torch.view_as_real(state)

    def _discrete(self) -> tuple[Tensor, Tensor]:
        """Zero-order hold: the logarithm of what a token does to the state, and B C, both complex (width, states)."""
        a = torch.complex(-self.log_decay.exp(), self.frequency)
        exponent = a * self.log_step.exp()
        return exponent, torch.complex(self.output[0], self.output[1]) * torch.expm1(exponent) / a

    def _kernel(self, length: int) -> Tensor:
        """What an input adds to the output 0, 1, ... tokens later: (width, length). In real numbers: it is faster."""
        exponent, gain = self._discrete()
        lag = torch.arange(length, device=exponent.device)
        size, angle = torch.exp(exponent.real.unsqueeze(2) * lag), exponent.imag.unsqueeze(2) * lag
        waves = torch.cat((size * angle.cos(), -size * angle.sin()), dim=1)  # (width, 2 x states, length)
        return 2 * torch.bmm(torch.cat((gain.real, gain.imag), dim=1).unsqueeze(1), waves).squeeze(1)


class SSMBlock(nn.Module):
    """A state-space layer, mixed over channels by a gated linear unit, and a feed-forward network; each after a
    normalisation and around a residual path."""

    def __init__(self, section: SSM, tokens: int) -> None:
        super().__init__()
        self.system_norm = nn.LayerNorm(section.width)
        self.system = DiagonalSSM(section.width, section.state, tokens)
        self.mixing = nn.Sequential(nn.GELU(), nn.Linear(section.width, 2 * section.width), nn.GLU(dim=-1))
        self.feedforward_norm = nn.LayerNorm(section.width)
        self.feedforward = nn.Sequential(
            nn.Linear(section.width, section.feedforward), nn.GELU(), nn.Linear(section.feedforward, section.width)
        )
        self.dropout = nn.Dropout(section.dropout)

    def forward(self, x: Tensor, last_only: bool) -> Tensor:
        """x (B, T, width) to (B, T, width), or to its last position alone."""
        return self._join(x[:, -1:] if last_only else x, self.system(self.system_norm(x), last_only))

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The next position (B, 1, width) and the system's state."""
        y, state = self.system.step(self.system_norm(x), state)
        return self._join(x, y), state

    def _join(self, residual: Tensor, y: Tensor) -> Tensor:
        x = residual + self.dropout(self.mixing(y))
        return x + self.dropout(self.feedforward(self.feedforward_norm(x)))


class SSMModel(MemoryModel):
    """State-space blocks. The action depends on the last position alone: the last block computes no other."""

    def __init__(self, section: SSM, tokens: int) -> None:
        """`tokens`: in a window."""
        super().__init__()
        self.state = (section.layers, section.width, section.state, 2)
        self.dropout = nn.Dropout(section.dropout)
        self.blocks = nn.ModuleList(SSMBlock(section, tokens) for _ in range(section.layers))
        self.norm = nn.LayerNorm(section.width)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.dropout(tokens)
        for depth, block in enumerate(self.blocks, start=1):
            x = block(x, depth == len(self.blocks))
        return self.norm(x[:, -1])

    def sequence(self, tokens: Tensor) -> Tensor:
        x = self.dropout(tokens)
        for block in self.blocks:
            x = block(x, False)
        return self.norm(x)

    def initial_state(self, n: int, device: torch.device) -> State:
        """(n, layers, width, states, 2): real and imaginary parts."""
        return (torch.zeros(n, *self.state, device=device),)

    def step(self, token: Tensor, state: State, reset: Tensor) -> tuple[Tensor, State]:
        before = state[0].masked_fill(reset[:, None, None, None, None], 0.0)
        x, kept = self.dropout(token[:, None]), []
        for depth, block in enumerate(self.blocks):
            assert isinstance(block, SSMBlock)
            x, after = block.step(x, before[:, depth])
            kept.append(after)
        return self.norm(x[:, 0]), (torch.stack(kept, dim=1),)
