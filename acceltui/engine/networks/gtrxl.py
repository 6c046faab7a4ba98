"""GTrXL: blocks whose residual paths are gated recurrent units (arXiv 1910.06764, section 3.2)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from acceltui.engine.networks.gpt import AttentionModel, Block
from acceltui.recipe.schema import GTrXL

GATE_BIAS = 2.0
"""Gates begin nearly shut: a new network hands its input on nearly as it is (section 3.2)."""


class Gate(nn.Module):
    """In place of a residual sum: a gated recurrent unit whose state is the path and whose input is the update."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.of_update = nn.Linear(width, 3 * width, bias=False)
        self.of_path = nn.Linear(width, 2 * width, bias=False)
        self.of_kept = nn.Linear(width, width, bias=False)
        self.bias = nn.Parameter(torch.full((width,), GATE_BIAS))

    def forward(self, path: Tensor, update: Tensor) -> Tensor:
        """Both (B, T, width)."""
        reset, share, candidate = self.of_update(update).chunk(3, dim=-1)
        path_reset, path_share = self.of_path(path).chunk(2, dim=-1)
        kept = torch.sigmoid(reset + path_reset) * path
        candidate = torch.tanh(candidate + self.of_kept(kept))
        return torch.lerp(path, candidate, torch.sigmoid(share + path_share - self.bias))


class GatedBlock(Block):
    """A block with gates for sums. The normalisations stand on the inputs of both parts, so that the path is free of
    them, and their outputs are rectified, lest two linear maps follow each other (identity map reordering)."""

    def __init__(self, section: GTrXL) -> None:
        super().__init__(section)
        self.attention_gate = Gate(section.width)
        self.feedforward_gate = Gate(section.width)

    def join(self, residual: Tensor, attended: Tensor) -> Tensor:
        x = self.attention_gate(residual, self.dropout(F.relu(attended)))
        return self.feedforward_gate(x, self.dropout(F.relu(self.feedforward(self.feedforward_norm(x)))))


class GTrXLModel(AttentionModel):
    """The gated transformer over a window."""

    def __init__(self, section: GTrXL, tokens: int) -> None:
        super().__init__(section, tokens, GatedBlock)
