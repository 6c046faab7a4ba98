"""`accel` itself, but for the engine that it starts."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from acceltui.cli import main
from acceltui.launch import ask, background, evaluate, foreground, sweep
from acceltui.runs.sweeps import SweepFolder

STAND_IN = Path(__file__).with_name("stand_in_engine.py")
COORDINATOR = Path(__file__).with_name("coordinator_with_stand_in.py")


def engine_call(verb: str, target: Path, allow_import: Sequence[str]) -> list[str]:
    return [sys.executable, str(STAND_IN), verb, str(target)]


def coordinator_call(folder: SweepFolder, allow_import: Sequence[str]) -> list[str]:
    return [sys.executable, str(COORDINATOR), str(folder.path)]


# Tests may run in the background of a shell, which has its children ignore ^C.
signal.signal(signal.SIGINT, signal.default_int_handler)
for module in (ask, background, evaluate, foreground):
    module.engine_call = engine_call
sweep.coordinator_call = coordinator_call
main()
