"""metrics.jsonl: what was measured at which step, over all attempts of a run.

A resume goes back to a checkpoint at step S and appends `{"rewind_to": S, "attempt": k}`: rows of earlier attempts with
step > S are then history that did not happen. A reader that has shown them must take them back, so rewinds are handed
on, in their place among the rows.
"""

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from time import time as now
from typing import Any

from acceltui.runs.jsonl import JsonlReader, JsonlWriter

Row = dict[str, Any]
NEWEST = 1 << 16
"""Bytes at the end of the file in which the highest `seq` and `attempt` are: both only grow."""
BEFORE_ALL: Row = {"rewind_to": -1, "attempt": sys.maxsize}


class MetricsWriter:
    """Appends rows of one attempt."""

    def __init__(self, path: Path, attempt: int) -> None:
        self._writer = JsonlWriter(path)
        self._attempt = attempt
        last = JsonlReader(path, last=NEWEST).catch_up()
        self._seq = max((row["seq"] for row in last if is_count(row.get("seq"))), default=-1) + 1

    def append(self, step: int, stage: str, values: Mapping[str, float], time: float | None = None) -> None:
        """Write what was measured at `step`; names are DESIGN's, e.g. `transformer/return`. `time`: if not now."""
        when = now() if time is None else time
        row = {"seq": self._seq, "attempt": self._attempt, "step": step, "stage": stage, "time": when}
        numbers = {name: value if isinstance(value, int) else float(value) for name, value in values.items()}
        self._writer.append(row | numbers)
        self._seq += 1

    def rewind(self, step: int) -> None:
        """Declare rows of earlier attempts after `step` void: this attempt goes on from there."""
        self._writer.append({"rewind_to": step, "attempt": self._attempt})

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class MetricsReader:
    """Follows metrics.jsonl."""

    def __init__(self, path: Path) -> None:
        self._reader = JsonlReader(path)

    @property
    def share(self) -> float:
        """Of the file, what is read so far; while it is less than 1, the next poll has more at once."""
        return self._reader.share

    def poll(self) -> list[Row]:
        """New rows, and among them rewinds: `is_rewind(row)`; who keeps rows then drops those for which
        `is_void(kept, row)`.

        Rewinds are already applied among the rows of one poll. A file that was replaced gives a rewind to before all.
        """
        kept = without_void([row for row in self._reader.poll() if is_rewind(row) or is_measurement(row)])
        if self._reader.restarted:
            return [BEFORE_ALL, *kept]
        return kept


def is_rewind(row: Row) -> bool:
    """Whether a row is a rewind, not a measurement."""
    return is_count(row.get("rewind_to")) and is_count(row.get("attempt"))


def is_void(row: Row, rewind: Row) -> bool:
    """Whether `rewind` takes back a row that came before it."""
    return not is_rewind(row) and row["attempt"] < rewind["attempt"] and row["step"] > rewind["rewind_to"]


def apply_rewinds(rows: Iterable[Row]) -> list[Row]:
    """Measurements that still count, in order, of rows that may have rewinds among them."""
    return [row for row in without_void(list(rows)) if not is_rewind(row)]


def without_void(rows: Sequence[Row]) -> list[Row]:
    """Rewinds, and measurements that none of those behind them takes back, in order."""
    if not any("rewind_to" in row for row in rows):
        return list(rows)
    later, kept = Later(), []
    for row in reversed(rows):
        if is_rewind(row):
            later.add(row)
        elif later.takes_back(row):
            continue
        kept.append(row)
    return kept[::-1]


class Later:
    """Rewinds behind a row, from the last one on. Of these only those matter that no other surpasses: the higher the
    attempt, the later the step that it goes back to. So a file of nothing but rewinds takes no longer than another."""

    def __init__(self) -> None:
        self._attempts: list[int] = []
        self._steps: list[int] = []

    def add(self, rewind: Row) -> None:
        """One more, in front of the others."""
        attempt, step = rewind["attempt"], rewind["rewind_to"]
        at = bisect_left(self._attempts, attempt)
        if at < len(self._steps) and self._steps[at] <= step:
            return
        end = bisect_right(self._attempts, attempt)
        first = bisect_left(self._steps, step, 0, end)
        self._attempts[first:end], self._steps[first:end] = [attempt], [step]

    def takes_back(self, row: Row) -> bool:
        """Whether one of them makes a measurement void."""
        at = bisect_right(self._attempts, row["attempt"])
        return at < len(self._steps) and self._steps[at] < row["step"]


def is_measurement(row: Row) -> bool:
    """Whether a row has what every measurement has."""
    return is_count(row.get("step")) and is_count(row.get("attempt"))


def is_count(value: object) -> bool:
    """Whether a value is a number of steps or attempts."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
