"""The transformer policy: GPT-style blocks with the normalisation before each part (GPT-2; arXiv 2002.04745)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from acceltui.engine.networks.actor import Actor
from acceltui.recipe.schema import GPT


class Attention(nn.Module):
    """Causal multi-head self-attention."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, last_only: bool) -> Tensor:
        """x (B, T, width) to (B, T, width), or to (B, 1, width): the last position, which may attend to all."""
        query = self._split(self.query(x[:, -1:] if last_only else x))
        key, value = (self._split(part) for part in self.key_value(x).chunk(2, dim=-1))
        y = F.scaled_dot_product_attention(
            query, key, value, dropout_p=self.dropout if self.training else 0.0, is_causal=not last_only
        )
        return self.output(y.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, heads, T, head_dim)


class Block(nn.Module):
    """Attention and a feed-forward network, each after a normalisation and around a residual path."""

    def __init__(self, section: GPT) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(section.width)
        self.attention = Attention(section.width, section.heads, section.dropout)
        self.feedforward_norm = nn.LayerNorm(section.width)
        self.feedforward = nn.Sequential(
            nn.Linear(section.width, section.feedforward), nn.GELU(), nn.Linear(section.feedforward, section.width)
        )
        self.dropout = nn.Dropout(section.dropout)

    def forward(self, x: Tensor, last_only: bool) -> Tensor:
        """x (B, T, width) to (B, T, width), or to its last position alone."""
        residual = x[:, -1:] if last_only else x
        x = residual + self.dropout(self.attention(self.attention_norm(x), last_only))
        return x + self.dropout(self.feedforward(self.feedforward_norm(x)))


class TransformerActor(Actor):
    """Observations embedded with learned positions, blocks, and an action from the last position.

    The action depends on the last position alone, so the last block computes no other.
    """

    def __init__(self, observation: int, action: int, section: GPT) -> None:
        super().__init__(section.context)
        self.embed = nn.Linear(observation, section.width)
        self.positions = nn.Parameter(torch.randn(section.context, section.width) * 0.02)
        self.dropout = nn.Dropout(section.dropout)
        self.blocks = nn.ModuleList(Block(section) for _ in range(section.layers))
        self.norm = nn.LayerNorm(section.width)
        self.head = nn.Linear(section.width, action)

    def forward(self, windows: Tensor) -> Tensor:
        """Actions (B, A) for windows (B, W, O)."""
        x = self.dropout(self.embed(windows[:, -self.context :]) + self.positions)  # (B, C, width)
        for depth, block in enumerate(self.blocks, start=1):
            x = block(x, last_only=depth == len(self.blocks))
        return torch.tanh(self.head(self.norm(x[:, -1])))
