"""The metrics of a run as growing numpy arrays, one series a name."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acceltui.runs.progress import LARGEST, as_number

Floats = NDArray[np.float64]

CLOCK = "clock"
"""Series of the seconds that the run had been trained for at each row, without the gaps between its attempts."""
COLUMNS_THAT_ARE_NO_METRICS = frozenset({"seq", "attempt", "step", "stage", "time", CLOCK})

MOST_POINTS = 1 << 17
"""Of one series; past it older ones are thinned out, since no terminal has a hundredth of that many columns."""
MOST_SERIES = 200
"""Names beyond these are left out: a file that anyone may have written names as many as it likes."""
LONGEST_NAME = 200
"""Longer ones are left out, too."""


class Series:
    """Steps and values of one metric, ascending by step; a value that was not finite is NaN.

    One thread appends while another reads: what `view` returned is never changed, because appending writes behind it
    and all else goes on in new arrays.
    """

    def __init__(self) -> None:
        self._points = (np.empty(1024), np.empty(1024), 0)
        """Room for steps, room for values, and how many there are: one tuple, so that a reader never sees a mixture."""

    def extend(self, new_steps: Sequence[float], new_values: Sequence[float]) -> bool:
        """Add points, at or after the last step; says whether older points had to go."""
        steps, values, size = self._points
        end = size + len(new_steps)
        if end > MOST_POINTS:
            steps = np.concatenate([steps[:size], new_steps])
            values = np.concatenate([values[:size], new_values])
            kept = extremes(steps, values, MOST_POINTS // 4)
            self._points = steps[kept], values[kept], len(kept)
            return True
        if end > len(steps):
            more = np.empty(max(end, 2 * len(steps)) - len(steps))
            steps, values = np.concatenate([steps, more]), np.concatenate([values, more])
        steps[size:end], values[size:end] = new_steps, new_values
        self._points = steps, values, end
        return False

    def cut(self, step: float) -> None:
        """Forget what lies after `step`."""
        steps, values, size = self._points
        left = int(np.searchsorted(steps[:size], step, side="right"))
        if left < size:
            self._points = steps[:left], values[:left], left  # no room: what comes next goes into new arrays

    def view(self) -> tuple[Floats, Floats]:
        """Steps and values, of equal length."""
        steps, values, size = self._points
        return steps[:size], values[:size]


def extremes(steps: Floats, values: Floats, parts: int) -> NDArray[np.intp]:
    """Indices of the lowest and highest value in each of about so many equal parts of the steps, and of the last."""
    # A power of two, so that each part lies inside one of a later thinning, and none loses more than the others.
    width = 2.0 ** math.ceil(math.log2(max((steps[-1] - steps[0]) / parts, 1.0)))
    part = np.floor(steps / width)
    begins = np.flatnonzero(np.diff(part, prepend=np.nan))
    # Sorted inside each part, NaN behind all numbers: the first is the lowest, and of the negated ones the highest.
    ends = [np.lexsort((signed, part))[begins] for signed in (values, -values)]
    return np.unique(np.concatenate([*ends, [len(steps) - 1]]))


class History:
    """All series of a run, by metric name."""

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}
        self.step = -1.0
        """Of the newest row."""
        self.version = 0
        """Grows when points that were shown are gone; drawings made from them have to start over."""
        self._newest = (-1.0, 0.0)
        """Attempt and time of the newest row."""
        self._seconds = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """Of all metrics there are; they may be anyone's text."""
        return tuple(name for name in tuple(self._series) if name != CLOCK)

    def extend(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take rows of metrics.jsonl in order; a rewind, or a row at an earlier step than the last, takes rows back."""
        new: dict[str, tuple[list[float], list[float]]] = {}
        for row in rows:
            if "rewind_to" in row:
                self._append(new)
                self.cut(max(min(row["rewind_to"], LARGEST), -1.0))
                continue
            step = as_number(row.get("step"))
            if step is None:
                continue
            if step < self.step:
                self._append(new)
                self.cut(step - 0.5)
            self.step = step
            self._take_time(row, step, new)
            for name, value in row.items():
                if name in COLUMNS_THAT_ARE_NO_METRICS:
                    continue
                # Of a long history this is most of the work, and nearly all are floats.
                plain = type(value) is float and -LARGEST < value < LARGEST
                number = value if plain else math.nan if value is None else as_number(value)
                if number is not None:
                    points = new.get(name)
                    if points is None:
                        points = new[name] = ([], [])
                    points[0].append(step)
                    points[1].append(number)
        self._append(new)

    def _take_time(self, row: Mapping[str, Any], step: float, new: dict[str, tuple[list[float], list[float]]]) -> None:
        attempt, time = as_number(row.get("attempt")), as_number(row.get("time"))
        if attempt is None or time is None:
            return
        if attempt == self._newest[0]:
            self._seconds += max(time - self._newest[1], 0.0)  # a clock may have been set back
        self._newest = attempt, time
        steps, seconds = new.setdefault(CLOCK, ([], []))
        steps.append(step)
        seconds.append(self._seconds)

    def _append(self, new: dict[str, tuple[list[float], list[float]]]) -> None:
        """Move what was gathered into the series."""
        for name, (steps, values) in new.items():
            if name in self._series or name == CLOCK or self._takes(name):
                self.version += self._series.setdefault(name, Series()).extend(steps, values)
        new.clear()

    def _takes(self, name: str) -> bool:
        """Whether there may be one more series, of that name."""
        return len(self._series) < MOST_SERIES and len(name) <= LONGEST_NAME

    def cut(self, step: float) -> None:
        """Forget all points after `step`."""
        if step < self.step:
            for series in self._series.values():
                series.cut(step)
            self.step = step
            self.version += 1
            self._seconds = np.nan_to_num(self.last(CLOCK)).item()

    def view(self, name: str) -> tuple[Floats, Floats]:
        """Steps and values of the metric; two empty arrays where it has none."""
        series = self._series.get(name)
        return series.view() if series else (np.empty(0), np.empty(0))

    def last(self, name: str) -> float:
        """The newest value; NaN where there is none."""
        values = self.view(name)[1]
        return float(values[-1]) if len(values) else math.nan

    def seconds(self, steps: Floats) -> Floats:
        """How long the run had been trained for at these steps."""
        at, seconds = self.view(CLOCK)
        return np.interp(steps, at, seconds) if len(at) else np.zeros_like(steps)


class Clocked:
    """The same series over the seconds of training."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._known: dict[str, tuple[int, Floats]] = {}

    @property
    def version(self) -> int:
        """As the history's."""
        return self.history.version

    def view(self, name: str) -> tuple[Floats, Floats]:
        """Seconds and values, of equal length."""
        version = self.history.version
        steps, values = self.history.view(name)
        before, seconds = self._known.get(name, (version, np.empty(0)))
        if before != version:
            seconds = np.empty(0)
        seconds = np.concatenate([seconds, self.history.seconds(steps[len(seconds) :])])
        self._known[name] = version, seconds
        return seconds, values
