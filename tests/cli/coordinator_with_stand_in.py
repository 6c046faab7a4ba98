"""A sweep's coordinator itself, but for the engines that it starts."""

import sys
from collections.abc import Sequence
from pathlib import Path

from acceltui.launch import background, coordinator

STAND_IN = Path(__file__).with_name("stand_in_engine.py")


def engine_call(verb: str, target: Path, allow_import: Sequence[str]) -> list[str]:
    return [sys.executable, str(STAND_IN), verb, str(target)]


background.engine_call = engine_call
sys.exit(coordinator.main())
