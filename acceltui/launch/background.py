"""An engine in the background: a session of its own, that neither a closed terminal nor ^C reaches."""

import contextlib
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import psutil

from acceltui.launch.call import LaunchError, engine_call, engine_environment, tail
from acceltui.runs.files import READ_FLAGS, open_to_append
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import process_start
from acceltui.runs.notify import hook_environment
from acceltui.runs.status import read_status, write_status
from acceltui.runs.text import clean

EXIT_CODES = (1, 2, 75)
LOG_BYTES = 1 << 16


def start_engine(
    folder: RunFolder, allow_import: Sequence[str] = (), verb: Literal["run", "resume"] = "run"
) -> subprocess.Popen[bytes]:
    """Start an engine on `folder`, its working directory; all that it prints goes to engine.log.

    A new run's status names the process from now on, so that nobody takes the run for one without while it is loaded.
    """
    if folder.log.exists() and not folder.log.is_file():
        raise LaunchError(f"{folder.log} is not a regular file: move it away.", 2)
    environment = {**engine_environment(allow_import), **hook_environment()}
    log = open_to_append(folder.log)
    try:
        process = subprocess.Popen(
            engine_call(verb, folder.path, allow_import),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder.path,
            env=environment,
            start_new_session=True,
        )
    finally:
        os.close(log)
    if verb == "run":
        announce(folder, process.pid)
    return process


def announce(folder: RunFolder, pid: int) -> None:
    """Say in a new run's status which process is to be its engine."""
    status = read_status(folder)
    with contextlib.suppress(psutil.NoSuchProcess):
        if status is not None and status.pid is None:
            write_status(folder, replace(status, pid=pid, pid_started=process_start(pid)))


def wait_until_running(folder: RunFolder, process: subprocess.Popen[bytes]) -> None:
    """Return when the engine has left STARTING; LaunchError with its reason when it fails instead.

    Interrupting the wait leaves the engine running.
    """
    while True:
        returncode = process.poll()
        status = read_status(folder)
        mine = status is not None and status.pid == process.pid
        if mine and status is not None and status.state not in ("STARTING", "FAILED"):
            return
        if returncode is not None:
            raise failure(folder, process.pid, returncode)
        time.sleep(0.1)


def failure(folder: RunFolder, pid: int, returncode: int) -> LaunchError:
    """Why an engine ended: its own sentence where the user can mend it, and the end of its log where not."""
    status = read_status(folder)
    error = (status.error if status and status.pid == pid else None) or {}
    lines = log_lines(folder)
    if not error and returncode == 2 and lines:
        return LaunchError(clean(lines[-1]), 2)  # it refused before it wrote a status
    code = returncode if returncode in EXIT_CODES else 1
    message = clean(error.get("message", ""))
    if message and error.get("kind") != "crash":
        return LaunchError(message, code)
    reason = message or f"it ended with {describe(returncode)}"
    return LaunchError(f"The engine of {folder.name} crashed: {reason}{tail(lines)}", code)


def describe(returncode: int) -> str:
    """A process's end in words."""
    return f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"


def log_lines(folder: RunFolder) -> list[str]:
    """Lines at the end of engine.log, as they are."""
    try:
        with os.fdopen(os.open(folder.log, READ_FLAGS), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_BYTES))
            return file.read(LOG_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return []
