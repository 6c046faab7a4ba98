"""A command on a real pseudo-terminal: what it sends is kept with the time it came, and can be looked at afterwards."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import psutil
import pyte

COLUMNS, ROWS = 120, 40
CONTROL_C = "\x03"
"""Leaves every screen of the dashboard."""
ASKED, ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;1$y"
"""Whether this terminal takes a whole picture at once; as most do today, it does."""
NO_STRING = b"\x1b[<u"
"""Leaves the keyboard protocol; pyte would write it down."""


class Terminal:
    """A terminal of 120x40 and the process in it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], *, keep: bool = True) -> None:
        """Without `keep`, what is sent is only counted."""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.drawn = 0
        """Bytes that it has sent to the screen."""
        self._keep = keep
        self._sent: list[tuple[float, bytes]] = []
        self._looked = 0
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                select.select([self._master], [], [])
                data = os.read(self._master, 65536)
                self.drawn += len(data)
                if self._keep:
                    self._sent.append((time.monotonic(), data))
                if ASKED in data:
                    os.write(self._master, ANSWER)

    def press(self, keys: str) -> float:
        """Press keys; gives when."""
        when = time.monotonic()
        os.write(self._master, keys.encode())
        return when

    def screens(self) -> Iterator[tuple[float, pyte.Screen]]:
        """The screen after each piece that came since the last call, and when that was: drawn only now, so that drawing
        takes no time from what is measured."""
        while self._looked < len(self._sent):
            when, data = self._sent[self._looked]
            self._looked += 1
            self._stream.feed(data.replace(NO_STRING, b""))
            yield when, self._screen

    def screen(self) -> pyte.Screen:
        """As it is now."""
        for _ in self.screens():
            pass
        return self._screen

    def shows(self, is_there: Callable[[pyte.Screen], bool], what: str, seconds: float = 60) -> float:
        """Wait until something is on the screen; gives when it came. TimeoutError where it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            for when, screen in self.screens():
                if is_there(screen):
                    return when
            time.sleep(0.05)
        raise TimeoutError(f"not on the screen: {what}\n" + "\n".join(self._screen.display))

    def by_second(self, since: float) -> list[int]:
        """Bytes of each second since then."""
        seconds = [int(when - since) for when, _ in self._sent]
        sizes = [0] * (max(seconds, default=-1) + 1)
        for second, (when, data) in zip(seconds, self._sent, strict=False):
            if when >= since:
                sizes[second] += len(data)
        return sizes

    def cpu(self) -> float:
        """Seconds of a core that the process has used."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def leave(self) -> int:
        """Press the key that leaves; gives the exit code."""
        self.press(CONTROL_C)
        return self.process.wait(60)

    def close(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def text(screen: pyte.Screen) -> str:
    """All lines, one behind the other."""
    return "".join(screen.display)
