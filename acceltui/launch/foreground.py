"""An engine in the foreground, for batch systems: the calling process becomes the engine.

Its output goes to the terminal, or where the batch system sends it; engine.log is written only in the background.
Signals, exit code and resource limits are then the engine's own, with no process between it and the scheduler.
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Literal, NoReturn

from acceltui.launch.background import announce
from acceltui.launch.call import engine_call, engine_environment
from acceltui.runs.folder import RunFolder
from acceltui.runs.notify import hook_environment

PREEMPTED = 75
ASKED = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
"""The signals by which a batch system asks to leave."""


def leave_when_asked() -> None:
    """Let a batch system that asks this process to leave, before it has become an engine, queue its job again."""
    for number in ASKED:
        signal.signal(number, lambda *_: sys.exit(PREEMPTED))


def become_engine(
    folder: RunFolder, allow_import: Sequence[str] = (), verb: Literal["run", "resume"] = "run"
) -> NoReturn:
    """Replace this process by an engine on `folder`; does not return."""
    if verb == "run":
        announce(folder, os.getpid())
    call = engine_call(verb, folder.path, allow_import)
    environment = {**engine_environment(allow_import), **hook_environment()}
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(folder.path)
    # A new program begins without handlers: what comes before it has set its own has to wait.
    signal.pthread_sigmask(signal.SIG_BLOCK, [*ASKED, signal.SIGHUP])
    os.execve(call[0], call, environment)
