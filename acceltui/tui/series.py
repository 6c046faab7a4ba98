"""The metrics of a run as growing numpy arrays, one series a name."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acceltui.runs.progress import LARGEST, as_number

Floats = NDArray[np.float64]

COLUMNS_THAT_ARE_NO_METRICS = frozenset({"seq", "attempt", "step", "stage", "time"})


class Series:
    """Steps and values of one metric, ascending by step; a value that was not finite is NaN.

    One thread appends while another reads: what `view` returned is never changed, because appending writes behind it
    and cutting goes on in new arrays.
    """

    def __init__(self) -> None:
        self._steps: Floats = np.empty(1024)
        self._values: Floats = np.empty(1024)
        self._size = 0

    def append(self, step: float, value: float) -> None:
        """Add one point, at or after the last step."""
        if self._size == len(self._steps):
            self._steps = np.concatenate([self._steps, np.empty(self._size)])
            self._values = np.concatenate([self._values, np.empty(self._size)])
        self._steps[self._size] = step
        self._values[self._size] = value
        self._size += 1

    def cut(self, step: float) -> None:
        """Forget what lies after `step`."""
        size = int(np.searchsorted(self._steps[: self._size], step, side="right"))
        if size < self._size:
            self._steps, self._values = self._steps.copy(), self._values.copy()
            self._size = size

    def view(self) -> tuple[Floats, Floats]:
        """Steps and values, of equal length."""
        size = self._size  # read first: whatever the other thread does then, the arrays have that many points
        return self._steps[:size], self._values[:size]


class History:
    """All series of a run, by metric name."""

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}
        self.step = -1.0
        """Of the newest row."""
        self.version = 0
        """Grows when points that were shown are gone; drawings made from them have to start over."""

    def extend(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take rows of metrics.jsonl in order; a rewind, or a row at an earlier step than the last, takes rows back."""
        for row in rows:
            if "rewind_to" in row:
                self.cut(max(min(row["rewind_to"], LARGEST), -1.0))
                continue
            step = as_number(row.get("step"))
            if step is None:
                continue
            if step < self.step:
                self.cut(step - 0.5)
            self.step = step
            for name, value in row.items():
                if name not in COLUMNS_THAT_ARE_NO_METRICS:
                    self._append(name, step, math.nan if value is None else as_number(value))

    def _append(self, name: str, step: float, value: float | None) -> None:
        if value is None:
            return
        series = self._series.get(name)
        if series is None:
            series = self._series[name] = Series()
        series.append(step, value)

    def cut(self, step: float) -> None:
        """Forget all points after `step`."""
        if step < self.step:
            for series in self._series.values():
                series.cut(step)
            self.step = step
            self.version += 1

    def view(self, name: str) -> tuple[Floats, Floats]:
        """Steps and values of the metric; two empty arrays where it has none."""
        series = self._series.get(name)
        return series.view() if series else (np.empty(0), np.empty(0))

    def last(self, name: str) -> float:
        """The newest value; NaN where there is none."""
        values = self.view(name)[1]
        return float(values[-1]) if len(values) else math.nan
