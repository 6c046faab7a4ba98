"""Random shifts of pictures (DrQ, arXiv 2004.13649, section 3.1)."""

from dataclasses import replace

import torch
from torch import Tensor

from acceltui.engine.replay import Batch
from acceltui.engine.windows import Pictures, Windows

PIXELS = 4
"""A picture is moved by up to this many, its edge repeated."""


class Augment:
    """What a batch goes through before it is learned from."""

    def __init__(self, shifts: bool) -> None:
        self.shifts = shifts

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Windows and next windows moved, each by its own draw; the pictures of a window move together, and those of
        windows that share some."""
        if not self.shifts:
            return batch
        return replace(
            batch,
            windows=shifted(batch.windows, generator),
            next_windows=shifted(batch.next_windows, generator),
        )


def shifted(windows: Windows, generator: torch.Generator) -> Windows:
    """Windows whose pictures are moved at random, those of a run of windows together."""
    assert windows.image is not None
    device = windows.image.frames.device
    draws = torch.randint(0, 2 * PIXELS + 1, (2, windows.image.runs), generator=generator, device=device)
    segments = windows.segments
    if segments is not None and segments.image is not None:
        segments = replace(segments, image=moved(segments.image, draws))
    return replace(windows, image=moved(windows.image, draws), segments=segments)


def moved(pictures: Pictures, draws: Tensor) -> Pictures:
    """Pictures moved by `draws` (2, runs) less `PIXELS`: down and to the right."""
    pictures = pictures.distinct()
    height, width = pictures.frames.shape[-2:]
    down, right = draws[:, pictures.run_of]
    # All crops there are, without a copy: (F, channels, shifts down, shifts right, height, width).
    crops = padded_by_edges(pictures.frames).unfold(2, height, 1).unfold(3, width, 1)
    every = torch.arange(len(crops), device=crops.device)
    return replace(pictures, frames=crops[every, :, down, right])


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
