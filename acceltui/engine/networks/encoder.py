"""From observations to vectors: each network that sees has an encoder of its own."""

import torch
from torch import Tensor, nn

from acceltui.engine.envs.base import Spaces
from acceltui.engine.windows import Windows

CHANNELS = (16, 32, 64, 64, 64)
SMALLEST_MAP = 4
"""Convolutions make the picture smaller until it is this small."""
COARSE_FROM = 32
"""A picture of at least this many pixels each way meets strides of 4 first (as in DQN): three times as fast."""

PART = 2**21
"""Numbers of pictures that are encoded together."""


class Encoder(nn.Module):
    """The state as it is; a picture through a convolutional network, beside the state."""

    def __init__(self, spaces: Spaces, features: int) -> None:
        """`features`: entries that a picture becomes."""
        super().__init__()
        self.picture = None if spaces.image is None else PictureEncoder(spaces.image, features)
        self.features = spaces.state + (0 if spaces.image is None else features)
        """Entries of one encoded observation."""

    def forward(self, windows: Windows) -> Tensor:
        """Windows of B x C observations to (B, C, E)."""
        if self.picture is None:
            return windows.state
        assert windows.image is not None
        pictures = windows.image.distinct()
        seen = self.picture(pictures.frames)  # (F, features)
        every = seen.index_select(0, pictures.places.flatten()).unflatten(0, pictures.places.shape)
        return torch.cat((every, windows.state), dim=2)


class PictureEncoder(nn.Module):
    """Strided convolutions down to a small map, then one linear layer, normalised."""

    def __init__(self, image: tuple[int, int, int], features: int) -> None:
        super().__init__()
        channels, height, width = image
        layers: list[nn.Module] = []
        for outputs in CHANNELS:
            if min(height, width) <= SMALLEST_MAP:
                break
            stride = 4 if not layers and min(height, width) >= COARSE_FROM else 2
            layers += [nn.Conv2d(channels, outputs, 2 * stride, stride, padding=stride // 2), nn.ReLU(inplace=True)]
            channels, height, width = outputs, height // stride, width // stride
        self.map = nn.Sequential(*layers, nn.Flatten())
        self.features = nn.Sequential(nn.Linear(channels * height * width, features), nn.LayerNorm(features), nn.Tanh())

    def forward(self, image: Tensor) -> Tensor:
        """uint8 pictures (B, channels, height, width) to (B, features)."""
        # A processor takes a part at a time: what lies between the layers then stays in its caches.
        rows = max(1, PART // image[0].numel()) if image.device.type == "cpu" else len(image)
        maps = [self.map(part.float().div_(255)) for part in image.split(rows)]
        return self.features(torch.cat(maps))
