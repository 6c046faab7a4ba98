"""Where a network's numbers stay as fine as they are."""

import contextlib
from contextlib import AbstractContextManager

import torch
from torch import Tensor

UNCHANGED = contextlib.nullcontext()


def full_precision(features: Tensor) -> AbstractContextManager[object]:
    """Around a last layer: rounded to 8 bits, values and log-probabilities would lose what learning goes by."""
    kind = features.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else UNCHANGED
