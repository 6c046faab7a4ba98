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
from collections.abc import Callable, Mapping
from pathlib import Path

import pyte

# Requests and modes that pyte does not know and would print.
UNKNOWN = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?2026[hl]|\x1b\[\?[0-9;]*\$p|\x1b\[\?2048[hl]")


class Terminal:
    """A command on a pseudo-terminal of `columns` x `rows`; reading happens in `wait_for`."""

    def __init__(
        self,
        command: list[str],
        cwd: Path,
        columns: int = 120,
        rows: int = 40,
        environment: Mapping[str, str | None] | None = None,
    ) -> None:
        """`environment`: what differs from that of a usual terminal; None for a variable that is not there."""
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._pending = b""
        self.sent = bytearray()
        """All that has come over the wire."""
        self.descriptor, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        usual = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        # Test runners export the size of their own terminal, or what they take for it.
        variables = {**os.environ, "COLUMNS": None, "LINES": None, **usual, **(environment or {})}
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={name: value for name, value in variables.items() if value is not None},
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
        os.write(self.descriptor, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window: whoever runs in it gets SIGWINCH."""
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def read_for(self, seconds: float) -> None:
        """Read what comes in so many seconds."""
        deadline = time.monotonic() + seconds
        while (rest := deadline - time.monotonic()) > 0:
            self._read(rest)

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
        os.close(self.descriptor)
        self.descriptor = -1

    def close(self) -> None:
        """End the command, whatever state it is in."""
        if self.descriptor >= 0:
            self.hang_up()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _read(self, seconds: float) -> bool:
        if not select.select([self.descriptor], [], [], seconds)[0]:
            return False
        try:
            new = os.read(self.descriptor, 65536)
        except OSError:
            time.sleep(seconds)
            return False
        self.sent += new
        data = self._pending + new
        # A torn escape sequence waits for its end.
        cut = data.rfind(b"\x1b")
        cut = len(data) if cut < 0 or len(data) - cut > 32 else cut
        self._pending = data[cut:]
        self._stream.feed(UNKNOWN.sub(b"", data[:cut]))
        return True
