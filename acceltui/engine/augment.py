"""Random shifts of pictures (DrQ, arXiv 2004.13649, section 3.1)."""

from dataclasses import replace

import torch
from torch import Tensor

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
    height, width = windows.image.shape[-2:]
    rows = torch.arange(len(windows.image), device=windows.image.device)
    down, right = torch.randint(0, 2 * PIXELS + 1, (2, len(rows)), generator=generator, device=rows.device)
    # All crops there are, without a copy: (B, C, channels, shifts down, shifts right, height, width).
    crops = padded_by_edges(windows.image).unfold(3, height, 1).unfold(4, width, 1)
    return replace(windows, image=crops[rows, :, :, down, right])


def padded_by_edges(image: Tensor) -> Tensor:
    """Pictures with `PIXELS` more on each side. (`torch.nn.functional.pad` repeats no bytes.)"""
    height, width = image.shape[-2:]
    inside = slice(PIXELS, -PIXELS)
    padded = image.new_empty((*image.shape[:-2], height + 2 * PIXELS, width + 2 * PIXELS))
    padded[..., inside, inside] = image
    padded[..., inside, :PIXELS] = image[..., :1]
    padded[..., inside, -PIXELS:] = image[..., -1:]
    padded[..., :PIXELS, :] = padded[..., PIXELS : PIXELS + 1, :]
    padded[..., -PIXELS:, :] = padded[..., -PIXELS - 1 : -PIXELS, :]
    return padded
