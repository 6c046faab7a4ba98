"""Curves brought down to a raster's columns, and kept so: a redraw looks at new points only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from acceltui.tui.plot import axes, raster
from acceltui.tui.plot.raster import Floats


@dataclass(frozen=True)
class Curve:
    """A series to plot."""

    metric: str
    label: str
    deviation: str | None = None
    """Series that holds its standard deviation, drawn as a band."""


class Source(Protocol):
    """Where the series come from. They only grow at their end, unless `version` grows too."""

    @property
    def version(self) -> int:
        """Grows when points that were shown are gone."""

    def view(self, name: str) -> tuple[Floats, Floats]:
        """x, ascending, and y, NaN where there is a gap; of equal length, empty for a name there is none of."""


class Empty:
    """A source of nothing."""

    version = 0

    def view(self, name: str) -> tuple[Floats, Floats]:
        """Nothing."""
        return np.empty(0), np.empty(0)


class Smoothing:
    """Exponential moving average of a growing series, without a bias towards zero at its start; gaps stay gaps."""

    def __init__(self, weight: float) -> None:
        """`weight` of what came before, in [0, 1)."""
        self.weight = weight
        self.values: Floats = np.empty(0)
        self._sum = 0.0
        self._share = 0.0

    def extend(self, values: Floats) -> Floats:
        """The whole average; of `values`, the whole series, only what is new is looked at."""
        new = []
        for value in values[len(self.values) :].tolist():
            if math.isfinite(value):
                self._sum = self.weight * self._sum + (1 - self.weight) * value
                self._share = self.weight * self._share + (1 - self.weight)
                new.append(self._sum / self._share)
            else:
                new.append(math.nan)
        self.values = np.concatenate([self.values, new])
        return self.values


@dataclass(frozen=True)
class Frame:
    """What kept columns are good for; when any of it changes they are made anew."""

    window: tuple[float, float]
    columns: int
    """Of dots, not of cells."""
    log_y: bool
    smoothing: float
    version: int


@dataclass
class Trace:
    """One curve in columns."""

    spans: raster.Spans
    raw: raster.Spans | None
    """Unsmoothed, where it is smoothed."""
    smoothing: Smoothing | None
    band: tuple[raster.Spans, raster.Spans] | None


class Traces:
    """All curves of a plot."""

    def __init__(self, curves: Sequence[Curve]) -> None:
        self.curves = curves
        self._frame: Frame | None = None
        self.traces: list[Trace] = []

    def take(self, source: Source, frame: Frame) -> None:
        """Bring the columns up to the newest point."""
        if frame != self._frame:
            self._frame = frame
            self.traces = [self._new_trace(frame, curve) for curve in self.curves]
        for curve, trace in zip(self.curves, self.traces, strict=True):
            x, y = source.view(curve.metric)
            if trace.band and curve.deviation:
                at, spread = source.view(curve.deviation)
                if np.array_equal(at, x):  # only where each mean has its deviation
                    trace.band[0].extend(x, y - spread)
                    trace.band[1].extend(x, y + spread)
            if trace.raw and trace.smoothing:
                trace.raw.extend(x, y)
                y = trace.smoothing.extend(y)
            trace.spans.extend(x, y)

    def extent(self) -> tuple[float, float]:
        """Lowest and highest value in the window, logarithms where the axis is; NaN for none."""
        every = [spans for trace in self.traces for spans in (trace.spans, trace.raw, *(trace.band or ())) if spans]
        lows = np.concatenate([spans.low for spans in every])
        highs = np.concatenate([spans.high for spans in every])
        if not np.isfinite(lows).any():
            return math.nan, math.nan
        return float(np.nanmin(lows)), float(np.nanmax(highs))

    def _new_trace(self, frame: Frame, curve: Curve) -> Trace:
        def spans() -> raster.Spans:
            return raster.Spans(*frame.window, frame.columns, axes.log10 if frame.log_y else None)

        return Trace(
            spans=spans(),
            raw=spans() if frame.smoothing else None,
            smoothing=Smoothing(frame.smoothing) if frame.smoothing else None,
            band=(spans(), spans()) if curve.deviation else None,
        )


def nearest(x: Floats, y: Floats, at: float) -> tuple[float, float] | None:
    """The measured point nearest to `at` along x; None where there is none."""
    cut = int(np.searchsorted(x, at))
    before, after = first_measured(y[:cut][::-1]), first_measured(y[cut:])
    left = None if before is None else cut - 1 - before
    right = None if after is None else cut + after
    if left is not None and (right is None or at - x[left] <= x[right] - at):
        right = left
    return None if right is None else (float(x[right]), float(y[right]))


def first_measured(y: Floats) -> int | None:
    """Index of the first value that is no gap; looks no further than it has to."""
    begin, size = 0, 64
    while begin < len(y):
        measured = np.flatnonzero(np.isfinite(y[begin : begin + size]))
        if len(measured):
            return begin + int(measured[0])
        begin, size = begin + size, 4 * size
    return None
