"""The engine's resume in a process of its own, which has imported the engine before: a tenth of a second, not four."""

import importlib
import multiprocessing
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

PRELOAD = [
    "acceltui.engine.process",
    "gymnasium.envs.classic_control.pendulum",
    "gymnasium.envs.mujoco.mujoco_rendering",
    "torch._dynamo",
]
"""The engine, and what it imports when it is built."""
FORBIDDEN = (
    "pickle.find_class",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "marshal.load",
)
"""What nothing in a run folder may ever lead to."""
EXECUTED = 99


@dataclass(frozen=True)
class Ended:
    """How an engine ended; `code` is None where it had to be killed."""

    code: int | None
    printed: str


def engine(verb: str, folder: Path, printed: Path, seconds: float = 10.0, patience: float = 40.0) -> Ended:
    """`python -m acceltui.engine VERB FOLDER`, its output in the file `printed`.

    After `seconds` it is asked to leave, and killed where it has not left after so much `patience`.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    process = context.Process(target=be_engine, args=(verb, str(folder), str(printed)))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.terminate()
        process.join(patience)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
    process.close()
    return Ended(code, printed.read_text(errors="replace"))


def be_engine(verb: str, folder: str, printed: str) -> None:
    """What the child does."""
    out = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # An engine is nobody's worker: environments that find themselves in one leave signals to the engine.
    multiprocessing.process._parent_process = None  # type: ignore[attr-defined]
    from acceltui.engine.process import main

    for module in PRELOAD:  # other tests may have started the server, with less; and glfw asks a process when imported
        importlib.import_module(module)
    sys.argv = ["acceltui.engine", verb, folder]
    sys.addaudithook(refuse_execution)
    sys.exit(main())


def refuse_execution(event: str, arguments: tuple[object, ...]) -> None:
    if event in FORBIDDEN:
        os.write(2, f"executed: {event} {arguments!r}\n".encode())
        os._exit(EXECUTED)
