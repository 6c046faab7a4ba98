"""Evaluations of what runs have saved, by an engine of their own."""

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from acceltui.launch.ask import parse
from acceltui.launch.call import LaunchError, engine_call, engine_environment, tail
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import RunError

PROGRESS = "evaluated "
"""How lines begin in which the engine says how far it is."""


def evaluate_run(
    folder: RunFolder, options: Sequence[str], allow_import: Sequence[str], tell: Callable[[str], None]
) -> dict[str, Any]:
    """The answer of `python -m acceltui.engine evaluate`; `tell` is given its lines of progress.

    Raises RunError where it says what is wrong with the call, the run or the environment, LaunchError when it crashed.
    """
    printed: list[str] = []
    with tempfile.TemporaryFile() as answer:
        call = [*engine_call("evaluate", folder.path, allow_import), *options]
        with subprocess.Popen(
            call,
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=subprocess.PIPE,
            env=engine_environment(allow_import),
            text=True,
            errors="replace",
        ) as engine:
            assert engine.stderr is not None
            try:
                for line in engine.stderr:
                    if line.startswith(PROGRESS):
                        tell(line.rstrip())
                    else:
                        printed.append(line)
            except BaseException:
                engine.kill()
                raise
        answer.seek(0)
        document = parse(answer.read())
    if engine.returncode == 0 and document is not None:
        return document
    match document:
        case {"error": {"path": str(path), "message": str(message), "hint": str(hint)}}:
            raise RunError((f"{path}: " if path else "") + message + (f" ({hint})" if hint else ""))
    raise LaunchError(f"The engine crashed when it evaluated {folder.name}:{tail(printed)}", 1)
