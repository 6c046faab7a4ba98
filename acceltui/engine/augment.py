"""Random shifts of pictures (DrQ, arXiv 2004.13649, section 3.1)."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from acceltui.engine.replay import Batch
from acceltui.engine.windows import Windows

PIXELS = 4
"""A picture is moved by up to this many, its edge repeated."""


class Augment:
    """What a batch goes through before it is learned from."""

    def __init__(self, shifts: bool) -> None:
        self.shifts = shifts

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Windows and next windows moved, each by its own draw; the pictures of a window move together."""
        if not self.shifts:
            return batch
        return replace(
            batch,
            windows=shifted(batch.windows, generator),
            next_windows=shifted(batch.next_windows, generator),
        )


def shifted(windows: Windows, generator: torch.Generator) -> Windows:
    """Windows whose pictures (B, C, channels, height, width) are moved at random."""
    assert windows.image is not None
    image = windows.image
    rows, _, _, height, width = image.shape
    padded = padded_by_edges(image)
    offsets = torch.randint(0, 2 * PIXELS + 1, (2, rows, 1), generator=generator, device=image.device)
    down = (offsets[0] + torch.arange(height, device=image.device))[:, None, None, :, None]  # (B, 1, 1, H, 1)
    right = (offsets[1] + torch.arange(width, device=image.device))[:, None, None, None, :]
    moved = padded.take_along_dim(down, dim=3).take_along_dim(right, dim=4)
    return replace(windows, image=moved)


def padded_by_edges(image: Tensor) -> Tensor:
    """Pictures with `PIXELS` more on each side."""
    flat = image.flatten(0, 1)
    # Padding by repetition knows no bytes; halves hold all 256 of them exactly.
    return F.pad(flat.half(), (PIXELS,) * 4, mode="replicate").to(torch.uint8).unflatten(0, image.shape[:2])
