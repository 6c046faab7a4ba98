"""How fast training goes: steps and updates a second of the time that training itself takes."""

import time


class Pace:
    """A stopwatch that evaluations, checkpoints and pauses stop."""

    def __init__(self) -> None:
        self.restart(0)

    def restart(self, steps: int) -> None:
        """Measure from here: `steps` were taken, no update of this stage was made."""
        self._last = (steps, 0)
        self._since = time.monotonic()
        self._aside = 0.0
        self._depth = 0

    def pause(self) -> None:
        """What follows is not training; calls may nest."""
        if self._depth == 0:
            self._left = time.monotonic()
        self._depth += 1

    def go_on(self) -> None:
        """Training goes on."""
        self._depth -= 1
        if self._depth == 0:
            self._aside += time.monotonic() - self._left

    def speed(self, steps: int, updates: int) -> dict[str, float]:
        """Steps and updates a second since the last call."""
        now = time.monotonic()
        spent = max(now - self._since - self._aside, 1e-9)
        before, self._last = self._last, (steps, updates)
        self._since, self._aside = now, 0.0
        return {"steps": (steps - before[0]) / spent, "updates": (updates - before[1]) / spent}
