"""What the engine prints, on whatever takes it."""

import contextlib
import io
import os
import sys


class Heedless(io.TextIOBase):
    """Text straight to a descriptor; what a full disk or a reader that has left does not take is not said."""

    encoding = "utf-8"

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, text: str) -> int:
        """Write all of it, or as much as is taken."""
        rest = memoryview(text.encode(errors="backslashreplace"))
        with contextlib.suppress(OSError):
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        return len(text)

    def writable(self) -> bool:
        """As every stream is asked that one prints to."""
        return True

    def fileno(self) -> int:
        """Where it goes."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether to a terminal."""
        return os.isatty(self._descriptor)


def print_heedlessly() -> None:
    """Have nothing that is printed end a run: not a full disk under engine.log, nor `accel run --foreground | head`."""
    sys.stdout.flush()
    sys.stderr.flush()
    sys.stdout, sys.stderr = Heedless(sys.stdout.fileno()), Heedless(sys.stderr.fileno())
