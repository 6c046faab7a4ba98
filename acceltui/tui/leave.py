"""Leaving when the line drops.

Textual's driver handles neither SIGHUP nor SIGTERM, and where SIGHUP is ignored its input thread spins on a terminal
that is gone.
"""

import asyncio
import contextlib
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable

LEAVE_WITHIN = 1.5
"""Seconds for an orderly end; after them the process ends without one."""
LOOK_EVERY = 0.5
RESTORE = (
    b"\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?2004l\x1b[?1004l\x1b[<u\x1b[0m"
)
"""Leaves the alternate screen, shows the cursor, ends mouse, paste, focus and keyboard reporting."""


class HangupGuard:
    """Calls `leave` at SIGHUP, SIGTERM or when the terminal is gone; ends the process when that takes too long."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave
        self._leaving = False
        self._finished = threading.Event()
        self._modes: list[object] | None = None
        self._there = terminal_is_there
        self._loop: asyncio.AbstractEventLoop | None = None

    def install(self, there: Callable[[], bool]) -> None:
        """Start watching; has to be called in the event loop of the main thread, once the terminal is set up.

        `there` tells whether whoever watches is still there.
        """
        if threading.current_thread() is not threading.main_thread() or not there():
            return
        self._there = there
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._go)
        threading.Thread(target=self._look, name="hangup", daemon=True).start()

    def finish(self) -> None:
        """The orderly end has come."""
        self._finished.set()

    def _go(self) -> None:
        if not self._leaving:
            self._leaving = True
            threading.Thread(target=self._end_hard, name="end", daemon=True).start()
            self._leave()

    def _look(self) -> None:
        """Where SIGHUP is ignored (nohup) only this tells that the terminal is gone, or a browser's tab."""
        while not self._finished.wait(LOOK_EVERY):
            if not self._there():
                assert self._loop is not None
                self._loop.call_soon_threadsafe(self._go)
                return

    def _end_hard(self) -> None:
        if not self._finished.wait(LEAVE_WITHIN):
            if terminal_is_there():
                restore_terminal()
            os._exit(128 + signal.SIGTERM)


def terminal_is_there() -> bool:
    """Whether standard input is a terminal that has not hung up."""
    try:
        return os.isatty(sys.__stdin__.fileno()) and input_is_open()  # type: ignore[union-attr]
    except (AttributeError, OSError, ValueError):
        return False


def input_is_open() -> bool:
    """Whether there is still somebody at the other end of standard input."""
    try:
        poll = select.poll()
        poll.register(sys.__stdin__.fileno(), 0)  # type: ignore[union-attr]
        return not any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
    except (AttributeError, OSError, ValueError):
        return False


def restore_terminal() -> None:
    """Bring the terminal back to lines and echo, as far as it is still there."""
    with contextlib.suppress(OSError, termios.error):
        descriptor = os.open("/dev/tty", os.O_WRONLY | os.O_NONBLOCK)
        os.write(descriptor, RESTORE)
        modes = termios.tcgetattr(descriptor)
        modes[0] |= termios.ICRNL
        modes[1] |= termios.OPOST
        modes[3] |= termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN
        termios.tcsetattr(descriptor, termios.TCSANOW, modes)
