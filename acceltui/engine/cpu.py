"""What a run costs: CPU seconds, which other jobs on the machine lengthen far less than they do the wall clock."""

import contextlib
import time
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
        ended = self._process.cpu_times()
        spent = time.process_time() + ended.children_user + ended.children_system
        for child in self._process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = child.cpu_times()
                spent += times.user + times.system
        return float(spent)
