"""What takes too long, ended from outside."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class Hangs(BaseException):
    """No Exception, so that the code under test cannot swallow it."""


@contextmanager
def watchdog(seconds: float) -> Iterator[None]:
    """Raise `Hangs` in what is still running after so many seconds."""

    def bite(*_: object) -> NoReturn:
        raise Hangs(f"not done after {seconds:g} s")

    handler = signal.signal(signal.SIGALRM, bite)
    left = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *left)  # of the test's own timeout
        signal.signal(signal.SIGALRM, handler)
