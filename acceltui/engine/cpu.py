"""What a run costs: CPU seconds, which other jobs on the machine lengthen far less than they do the wall clock."""

import contextlib
from collections.abc import Iterator, Mapping

import psutil


class CpuClock:
    """CPU seconds of this process and of those that it has started, from now on."""

    def __init__(self, before: Mapping[str, float] | None = None) -> None:
        """`before`: what `read` gave when the run was saved that goes on here."""
        before = before or {}
        self._process = psutil.Process()
        self._evaluation = before.get("cpu_evaluation", 0.0)
        self._since = self._spent() - before.get("cpu", 0.0)

    @contextlib.contextmanager
    def evaluating(self) -> Iterator[None]:
        """What is spent in here is an evaluation's."""
        before = self._spent()
        try:
            yield
        finally:
            self._evaluation += self._spent() - before

    def read(self) -> dict[str, float]:
        """All so far, and what of it evaluations took."""
        return {"cpu": self._spent() - self._since, "cpu_evaluation": self._evaluation}

    def _spent(self) -> float:
        own = self._process.cpu_times()
        spent = own.user + own.system + own.children_user + own.children_system  # of children that have ended
        for child in self._process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = child.cpu_times()
                spent += times.user + times.system
        return float(spent)
