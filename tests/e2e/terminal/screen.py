"""A real pseudo-terminal with a person's view of it: press keys, read the screen, drop the line."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte

# Requests and modes that pyte does not know and would print.
UNKNOWN = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?2026[hl]|\x1b\[\?[0-9;]*\$p|\x1b\[\?2048[hl]")


class Terminal:
    """A command on a pseudo-terminal of `columns` x `rows`; reading happens in `wait_for`."""

    def __init__(self, command: list[str], cwd: Path, columns: int = 120, rows: int = 40) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._pending = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    @property
    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(self.screen.display)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def wait_for(self, wanted: str | Callable[[], bool], seconds: float) -> None:
        """Read until the screen shows a text, or a condition holds; AssertionError with the screen otherwise."""
        met = (lambda: wanted in self.text) if isinstance(wanted, str) else wanted
        deadline = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < deadline, f"not within {seconds} s: {wanted}\n{self.text}"
            self._read(0.05)

    def wait_for_end(self, seconds: float) -> int:
        """Read until the command has ended; gives its exit code."""
        self.wait_for(lambda: self.process.poll() is not None, seconds)
        while self._read(0.05):
            pass
        return self.process.returncode

    def hang_up(self) -> None:
        """Close the terminal, as a closed laptop does: whoever runs on it gets SIGHUP."""
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        """End the command, whatever state it is in."""
        if self._master >= 0:
            self.hang_up()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = self._pending + os.read(self._master, 65536)
        except OSError:
            time.sleep(seconds)
            return False
        # A torn escape sequence waits for its end.
        cut = data.rfind(b"\x1b")
        cut = len(data) if cut < 0 or len(data) - cut > 32 else cut
        self._pending = data[cut:]
        self._stream.feed(UNKNOWN.sub(b"", data[:cut]))
        return True
