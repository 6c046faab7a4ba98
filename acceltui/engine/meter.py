"""Means of what updates report, gathered without waiting for the device."""

import torch

from acceltui.engine.learners.optimize import Metrics
from acceltui.engine.state import State


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

    def state(self) -> State:
        """What was gathered since the last reading."""
        return {"sums": self._sums, "counts": self._counts}

    def load(self, state: State, device: torch.device) -> None:
        """Go on from there."""
        self._sums = {name: value.to(device) for name, value in state["sums"].items()}
        self._counts = dict(state["counts"])

    def take(self) -> dict[str, float]:
        """Means since the last call: one wait for the device."""
        if not self._sums:
            return {}
        means = torch.stack([self._sums[name].float() / self._counts[name] for name in self._sums]).tolist()
        names = list(self._sums)
        self._sums, self._counts = {}, {}
        return dict(zip(names, means, strict=True))
