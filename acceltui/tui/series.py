"""The metrics of a run as growing numpy arrays, one series a name."""

import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acceltui.runs.progress import LARGEST, as_number

Floats = NDArray[np.float64]

CLOCK = "clock"
"""Series of the seconds that the run had been trained for at each row, without the gaps between its attempts."""
NO_METRICS = frozenset({"seq", "attempt", "step", "stage", "time", CLOCK})
"""Columns of a row."""

MOST_POINTS = 1 << 14
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

    def extend(self, new_steps: Floats, new_values: Floats) -> bool:
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


class Columns:
    """Rows on their way into series: gathered by the names they have, and moved by column, since someone waits for a
    long history."""

    def __init__(self) -> None:
        self._alike: dict[tuple[str, ...], tuple[list[int], list[float], list[Mapping[str, Any]]]] = {}
        """By names: places in the order of all rows, steps, and the rows."""
        self._count = 0
        self.clock: list[tuple[float, float]] = []
        """Steps, and the seconds of training until then."""

    def add(self, step: float, row: Mapping[str, Any]) -> None:
        """The next row."""
        places, steps, rows = self._alike.setdefault(tuple(row), ([], [], []))
        places.append(self._count)
        steps.append(step)
        rows.append(row)
        self._count += 1

    def names(self) -> list[str]:
        """Of all metrics, each once."""
        found = dict.fromkeys(name for names in self._alike for name in names)
        return [name for name in found if name not in NO_METRICS]

    def points(self, wanted: Container[str]) -> Iterator[tuple[str, Floats, Floats]]:
        """Of each wanted metric its name, and steps and values in the order of the rows; null is NaN, what is no number
        at all is left out."""
        parts: dict[str, list[tuple[NDArray[np.intp], Floats, Floats]]] = {}
        for names, (places, steps, rows) in self._alike.items():
            order, at = np.array(places), np.array(steps, float)
            # Turned by zip, which takes half as long as to look each value up by its name.
            for name, values in zip(names, zip(*(row.values() for row in rows), strict=True), strict=True):
                if name in wanted:
                    parts.setdefault(name, []).append((order, at, numbers(values)))
        for name, found in parts.items():
            order, at, column = (np.concatenate(part) for part in zip(*found, strict=True))
            by_place = np.argsort(order) if len(found) > 1 else np.arange(len(order))
            kept = by_place[~np.isinf(column[by_place])]
            yield name, at[kept], column[kept]


def numbers(values: Sequence[Any]) -> Floats:
    """Values of a column: NaN for null, infinite for what is no number."""
    if {float, int}.issuperset(map(type, values)):
        try:
            read = np.array(values, float)
        except OverflowError:
            pass
        else:
            if np.abs(read).max(initial=0.0) < LARGEST:
                return read
    known = (math.nan if value is None else as_number(value) for value in values)
    return np.array([math.inf if value is None else value for value in known])


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
        taken = Columns()
        for row in rows:
            step = None if "rewind_to" in row else as_number(row.get("step"))
            if step is None or step < self.step:
                self._append(taken)
                taken = Columns()
            if "rewind_to" in row:
                self.cut(max(min(row["rewind_to"], LARGEST), -1.0))
            elif step is not None:
                if step < self.step:
                    self.cut(step - 0.5)
                self.step = step
                taken.add(step, row)
                if self._take_time(row):
                    taken.clock.append((step, self._seconds))
        self._append(taken)

    def _take_time(self, row: Mapping[str, Any]) -> bool:
        """Let the clock go on; whether the row tells how far."""
        attempt, time = as_number(row.get("attempt")), as_number(row.get("time"))
        if attempt is None or time is None:
            return False
        if attempt == self._newest[0]:
            self._seconds += max(time - self._newest[1], 0.0)  # a clock may have been set back
        self._newest = attempt, time
        return True

    def _append(self, taken: "Columns") -> None:
        if taken.clock:
            self.version += self._series.setdefault(CLOCK, Series()).extend(*np.array(taken.clock).T)
        names = taken.names()
        new = [name for name in names if name not in self._series and len(name) <= LONGEST_NAME]
        wanted = {*self._series, *new[: max(MOST_SERIES - len(self._series), 0)]} - NO_METRICS
        for name, steps, values in taken.points(wanted):
            if len(steps):
                self.version += self._series.setdefault(name, Series()).extend(steps, values)

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
        if len(seconds) < len(steps):
            seconds = np.concatenate([seconds, self.history.seconds(steps[len(seconds) :])])
            self._known[name] = version, seconds
        return seconds, values
