"""Means of what updates report, gathered without waiting for the device."""

import torch

from acceltui.engine.learners.optimize import Metrics


class Meter:
    """Sums scalars where they are computed; reading takes the means and starts over."""

    def __init__(self) -> None:
        self._sums: Metrics = {}
        self._counts: dict[str, int] = {}

    def add(self, metrics: Metrics) -> None:
        """Count one update's metrics."""
        for name, value in metrics.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()
            self._counts[name] = self._counts.get(name, 0) + 1

    def take(self) -> dict[str, float]:
        """Means since the last call: one wait for the device."""
        if not self._sums:
            return {}
        means = torch.stack([self._sums[name].float() / self._counts[name] for name in self._sums]).tolist()
        names = list(self._sums)
        self._sums, self._counts = {}, {}
        return dict(zip(names, means, strict=True))
