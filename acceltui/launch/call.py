"""How the engine is called: as a process, never imported."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import acceltui
from acceltui.runs.text import clean

LOG_TAIL = 15
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}
"""For glibc: what is freed stays with the process. Else each tensor over 32 MB is asked of the system anew at every
update, page by page, which took half of the time at a context of 256."""


class LaunchError(Exception):
    """An engine that would not start or answer; the text is for the user, `exit_code` for the shell."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def engine_call(verb: str, target: Path, allow_import: Sequence[str]) -> list[str]:
    """Words of the engine's command line.

    `-P`: the engine's working directory is a run folder, and what lies in a run folder must not be imported.
    """
    options = [word for module in allow_import for word in ("--allow-import", module)]
    return [sys.executable, "-P", "-m", "acceltui.engine", verb, str(target.absolute()), *options]


def engine_environment(allow_import: Sequence[str]) -> dict[str, str]:
    """Environment of the engine's process. Modules that may be imported are also found in the caller's directory.

    Entries of PYTHONPATH are written out: a relative or empty one would mean the run folder there.
    """
    source = Path(acceltui.__file__).parents[1]
    paths = [] if source.name in ("site-packages", "dist-packages") else [str(source)]
    paths += [str(Path(entry).absolute()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    paths += [str(Path.cwd())] if allow_import else []
    return {**KEEP_MEMORY, **os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(paths)}


def tail(lines: Iterable[str]) -> str:
    """The last lines of an engine's output, safe to print and indented."""
    return "".join(f"\n  {clean(line)}" for line in list(lines)[-LOG_TAIL:])
