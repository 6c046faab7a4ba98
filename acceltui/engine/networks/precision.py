"""Where a network's numbers stay as fine as they are."""

import torch
from torch import Tensor


def full_precision(features: Tensor) -> torch.autocast:
    """Around a last layer: rounded to 8 bits, values and log-probabilities would lose what learning goes by."""
    return torch.autocast(features.device.type, enabled=False)
