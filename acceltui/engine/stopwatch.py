"""Where time goes: wall seconds of each part of a run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from acceltui.runs.progress import PARTS


class Stopwatch:
    """One part runs at a time."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        """Of each part, up to the last turn."""
        self._part, self._since = "idle", time.monotonic()
        self._before = dict(self.seconds)

    def turn(self, part: str) -> str:
        """From here on time goes to `part`; gives the one that it went to."""
        now, was = time.monotonic(), self._part
        self.seconds[was] += now - self._since
        self._part, self._since = part, now
        return was

    @contextmanager
    def during(self, part: str) -> Iterator[None]:
        """Time in here goes to `part`, and then to what it went to before."""
        was = self.turn(part)
        try:
            yield
        finally:
            self.turn(was)

    def read(self) -> dict[str, float]:
        """Seconds of each part up to now."""
        self.turn(self._part)
        return dict(self.seconds)

    def shares(self) -> dict[str, float]:
        """Of the time since the last call, the share of each part."""
        before, self._before = self._before, self.read()
        spent = {part: seconds - before[part] for part, seconds in self._before.items()}
        whole = sum(spent.values()) or 1.0
        return {part: seconds / whole for part, seconds in spent.items()}
