"""GPT-style blocks with the normalisation before each part (GPT-2; arXiv 2002.04745)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from acceltui.engine.networks.actor import State
from acceltui.engine.networks.positions import LearnedPositions, RotaryPositions, SinusoidalPositions, Turns
from acceltui.engine.networks.transformer import MemoryModel, SequenceModel
from acceltui.recipe.schema import GPT, GTrXL


class Attention(nn.Module):
    """Causal multi-head self-attention."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, last_only: bool, turns: Turns | None, band: Tensor | None = None) -> Tensor:
        """x (B, T, width) to (B, T, width), or to (B, 1, width): the last position, which may attend to all.

        `turns`: of the T positions, where they are rotary; `band` (T, T): what attends to what, if not all before it.
        """
        if last_only and turns is None:
            return self._last(x)
        query = self._split(self.query(x[:, -1:] if last_only else x))
        key, value = (self._split(part) for part in self.key_value(x).chunk(2, dim=-1))
        return self._attend(query, key, value, turns, band, causal=not last_only and band is None)

    def _last(self, x: Tensor) -> Tensor:
        """The last position (B, 1, width), with no key or value computed.

        With one query, q (K x) = (q K) x and p (V x) = V (p x): two products a window in place of two a position. A
        key's bias adds the same to all scores, which changes nothing. Turned keys (rotary) are no such product.
        """
        to_key, to_value = self.key_value.weight.unflatten(0, (2, self.heads, -1))  # (heads, D, width) each
        query = self.query(x[:, -1]).unflatten(1, (self.heads, -1)).transpose(0, 1)  # (heads, B, D)
        asked = torch.bmm(query, to_key).transpose(0, 1)  # (B, heads, width)
        scores = torch.bmm(asked, x.transpose(1, 2)) / math.sqrt(query.shape[2])
        shares = F.dropout(scores.softmax(dim=2), self.dropout, self.training)  # (B, heads, T)
        read = torch.bmm(shares, x).transpose(0, 1)  # (heads, B, width)
        bias = self.key_value.bias[x.shape[2] :].unflatten(0, (self.heads, 1, -1))
        values = torch.bmm(read, to_value.transpose(1, 2)) + bias * shares.sum(dim=2).T.unsqueeze(2)
        return self.output(values.transpose(0, 1).flatten(1)).unsqueeze(1)

    def step(self, x: Tensor, keys: Tensor, values: Tensor, turns: Turns, filled: Tensor) -> tuple[Tensor, ...]:
        """The next position (B, 1, width), and the last W keys and values (B, heads, W, D) with its own among them.

        Keys are kept as they were before turning: only distances count, so `turns` are those of positions 0 to W - 1.
        `filled` (B, 1, 1, W): which of them there are.
        """
        key, value = (self._split(part) for part in self.key_value(x).chunk(2, dim=-1))
        keys = torch.cat((keys[:, :, 1:], key), dim=2)
        values = torch.cat((values[:, :, 1:], value), dim=2)
        return self._attend(self._split(self.query(x)), keys, values, turns, filled, causal=False), keys, values

    def _attend(
        self, query: Tensor, key: Tensor, value: Tensor, turns: Turns | None, mask: Tensor | None, causal: bool
    ) -> Tensor:
        if turns is not None:
            query, key = turns.apply(query), turns.apply(key)
        y = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=self.dropout if self.training else 0.0, is_causal=causal
        )
        return self.output(y.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, heads, T, D)


class Block(nn.Module):
    """Attention and a feed-forward network, each after a normalisation and around a residual path."""

    def __init__(self, section: GPT | GTrXL) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(section.width)
        self.attention = Attention(section.width, section.heads, section.dropout)
        self.feedforward_norm = nn.LayerNorm(section.width)
        self.feedforward = nn.Sequential(
            nn.Linear(section.width, section.feedforward), nn.GELU(), nn.Linear(section.feedforward, section.width)
        )
        self.dropout = nn.Dropout(section.dropout)

    def forward(self, x: Tensor, last_only: bool, turns: Turns | None, band: Tensor | None = None) -> Tensor:
        """x (B, T, width) to (B, T, width), or to its last position alone."""
        residual = x[:, -1:] if last_only else x
        return self.join(residual, self.attention(self.attention_norm(x), last_only, turns, band))

    def step(self, x: Tensor, keys: Tensor, values: Tensor, turns: Turns, filled: Tensor) -> tuple[Tensor, ...]:
        """As that of the attention."""
        attended, keys, values = self.attention.step(self.attention_norm(x), keys, values, turns, filled)
        return self.join(x, attended), keys, values

    def join(self, residual: Tensor, attended: Tensor) -> Tensor:
        """The residual path with both parts in it."""
        x = residual + self.dropout(attended)
        return x + self.dropout(self.feedforward(self.feedforward_norm(x)))


class AttentionModel(SequenceModel):
    """Positions and blocks. The action depends on the last position alone: the last block computes no other."""

    def __init__(self, section: GPT | GTrXL, tokens: int, block: type[Block]) -> None:
        """`tokens`: in a window of `section.context` time steps."""
        super().__init__()
        self.tokens, self.per_step = tokens, tokens // section.context
        self.positions: LearnedPositions | SinusoidalPositions | None = None
        self.rotary: RotaryPositions | None = None
        match section.positions:
            case "learned":
                self.positions = LearnedPositions(section.context, self.per_step, section.width)
            case "sinusoidal":
                self.positions = SinusoidalPositions(section.context, self.per_step, section.width)
            case "rotary":
                self.rotary = RotaryPositions(section.width, section.heads)
        self.dropout = nn.Dropout(section.dropout)
        self.blocks = nn.ModuleList(block(section) for _ in range(section.layers))
        self.norm = nn.LayerNorm(section.width)

    def forward(self, tokens: Tensor) -> Tensor:
        turns = self._turns(tokens.shape[1], tokens.device)
        x = self._placed(tokens)
        for depth, block in enumerate(self.blocks, start=1):
            x = block(x, depth == len(self.blocks), turns)
        return self.norm(x[:, -1])

    def sequence(self, tokens: Tensor) -> Tensor:
        """What each of T tokens (B, T, width) becomes, (B, T, width): in each block it attends to itself and those
        before it, a window's tokens in all. Rotary positions allow any T, the others that of a window."""
        turns = self._turns(tokens.shape[1], tokens.device)
        band = self._band(tokens.shape[1], tokens.device)
        x = self._placed(tokens)
        for block in self.blocks:
            x = block(x, False, turns, band)
        return self.norm(x)

    def _placed(self, tokens: Tensor) -> Tensor:
        return self.dropout(tokens if self.positions is None else self.positions(tokens))

    def _turns(self, count: int, device: torch.device) -> Turns | None:
        return None if self.rotary is None else self.rotary(torch.arange(count, device=device) // self.per_step)

    def _band(self, count: int, device: torch.device) -> Tensor | None:
        if count <= self.tokens:
            return None  # causality alone
        places = torch.arange(count, device=device)
        age = places[:, None] - places
        return (age >= 0) & (age < self.tokens)


class GPTModel(AttentionModel, MemoryModel):
    """GPT. With rotary positions it can remember: the keys and values of a window's last tokens, in each block."""

    def __init__(self, section: GPT, tokens: int) -> None:
        super().__init__(section, tokens, Block)
        self.cache = (section.layers, section.heads, tokens, section.width // section.heads)

    def initial_state(self, n: int, device: torch.device) -> State:
        """Keys and values (n, layers, heads, tokens, D), newest last, and how many there are (n,)."""
        empty = torch.zeros(n, *self.cache, device=device)
        return empty, empty.clone(), torch.zeros(n, dtype=torch.long, device=device)

    def step(self, token: Tensor, state: State, reset: Tensor) -> tuple[Tensor, State]:
        keys, values, count = state
        count = (count.masked_fill(reset, 0) + 1).clamp(max=self.tokens)
        newest_first = torch.arange(self.tokens - 1, -1, -1, device=token.device)
        filled = (newest_first < count[:, None])[:, None, None]
        turns = self._turns(self.tokens, token.device)
        assert turns is not None, "a memory needs rotary positions"
        x, kept = self._placed(token[:, None]), []
        for depth, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            x, *newer = block.step(x, keys[:, depth], values[:, depth], turns, filled)
            kept.append(newer)
        keys, values = (torch.stack(parts, dim=1) for parts in zip(*kept, strict=True))
        return self.norm(x[:, 0]), (keys, values, count)
