"""A dashboard that is left open, and the sizes of processes that last."""

import contextlib
import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import threading
import time
from typing import Any

import psutil
from detached import Detached

SAMPLE_SECONDS = 5.0
SIZES = ("rss", "own", "uss")
"""Own: without what lies in files. Of the unique set size, libraries are a part while nobody else has them open, so
that it changes with what else runs: it is written down, and not judged."""


class Watcher:
    """`accel attach` on a pseudo-terminal of 120x40 whose output is read and dropped."""

    def __init__(self, accel: Detached, name: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "acceltui", "attach", name],
            env={**accel.environment, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.drawn = 0
        """Bytes that it has sent to the screen."""
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                select.select([self._master], [], [])
                self.drawn += len(os.read(self._master, 65536))

    def leave(self) -> int:
        """Press the key that leaves; gives the exit code."""
        os.write(self._master, b"q")
        return self.process.wait(60)


class Samples:
    """Memory, handles and threads of the processes that last, every few seconds."""

    def __init__(self, processes: dict[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in processes.items()}
        self._began = time.monotonic()
        self.taken: dict[str, list[dict[str, float]]] = {name: [] for name in processes}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            for name, process in self._processes.items():
                with contextlib.suppress(psutil.Error):
                    memory = process.memory_full_info()
                    counts = {"fds": process.num_fds(), "threads": process.num_threads()}
                    at = {"time": time.time(), "elapsed": time.monotonic() - self._began}
                    sizes = {"rss": memory.rss, "own": memory.rss - memory.shared, "uss": memory.uss}
                    self.taken[name].append({**at, **sizes, **counts})

    def stop(self) -> None:
        """Take no more."""
        self._over.set()
        self._thread.join()

    def growth(self, name: str, seconds: float) -> dict[str, Any]:
        """Medians of minutes 5 to 15 and 50 to 60 of an hour, of another time in proportion."""

        def medians(first: float, last: float) -> dict[str, float]:
            inside = [one for one in self.taken[name] if first * seconds <= one["elapsed"] * 60 <= last * seconds]
            return {
                key: statistics.median(one[key] for one in inside)
                for key in ("time", "rss", "own", "uss", "fds", "threads")
            }

        before, after = medians(5, 15), medians(50, 60)
        grown = {key: after[key] / before[key] - 1 for key in SIZES}
        return {"before": before, "after": after, "growth": grown, "samples": len(self.taken[name])}
