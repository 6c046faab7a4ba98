"""Places for engines. The unit is an engine on a run folder; what a pool knows besides, it reads in the folder."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from acceltui.launch.background import log_lines, start_engine
from acceltui.runs.commands import requester, send_command
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import process_lives
from acceltui.runs.space import has_engine
from acceltui.runs.status import read_status, this_host

Verb = Literal["run", "resume"]


class Pool(Protocol):
    """Where a sweep has its engines run: this machine, or what a batch system gives."""

    @property
    def room(self) -> int:
        """How many more engines may be submitted now."""

    def submit(self, folder: RunFolder, verb: Verb) -> None:
        """Have an engine begin or go on with a run; LaunchError or OSError where that cannot be."""

    def poll(self, folder: RunFolder) -> bool:
        """Whether the run has an engine, or waits for the one that was submitted; one that it had before counts."""

    def cancel(self, folder: RunFolder) -> None:
        """Ask its engine to save and leave."""

    def logs(self, folder: RunFolder) -> list[str]:
        """The last lines that its engine printed, as they are."""


class LocalPool:
    """Processes of this machine, so many at once."""

    def __init__(self, workers: int, allow_import: Sequence[str] = ()) -> None:
        self._workers = workers
        self._allow_import = allow_import
        self._engines: dict[Path, subprocess.Popen[bytes] | None] = {}
        """By the folder; None for one that somebody else has started."""

    @property
    def room(self) -> int:
        return self._workers - len(self._engines)

    def submit(self, folder: RunFolder, verb: Verb) -> None:
        self._engines[folder.path] = start_engine(folder, self._allow_import, verb)

    def poll(self, folder: RunFolder) -> bool:
        process = self._engines.get(folder.path)
        there = (process is not None and process.poll() is None) or has_engine(folder)
        if there:
            self._engines.setdefault(folder.path, None)
        else:
            self._engines.pop(folder.path, None)
        return there

    def cancel(self, folder: RunFolder) -> None:
        process, status = self._engines.get(folder.path), read_status(folder)
        if process is not None and process.poll() is None:
            process.terminate()
        elif status is None or status.pid is None:
            return
        elif status.host != this_host():
            send_command(folder, "stop", by=requester())
        elif process_lives(status.pid, status.pid_started):
            with contextlib.suppress(ProcessLookupError):
                os.kill(status.pid, signal.SIGTERM)

    def logs(self, folder: RunFolder) -> list[str]:
        return log_lines(folder)
