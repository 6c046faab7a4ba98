"""A sweep's coordinator itself, but for the engines that it starts, and a disk that may be full at first."""

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from acceltui.launch import background, coordinator

STAND_IN = Path(__file__).with_name("stand_in_engine.py")
REFUSALS = [OSError(errno.ENOSPC, "No space left on device")] * int(os.environ.get("REFUSALS", "0"))


def engine_call(verb: str, target: Path, allow_import: Sequence[str]) -> list[str]:
    return [sys.executable, str(STAND_IN), verb, str(target)]


def create_run_folder(*values: Any, make: Any = coordinator.create_run_folder, **named: Any) -> Any:
    if REFUSALS:
        raise REFUSALS.pop()
    return make(*values, **named)


background.engine_call = engine_call
coordinator.create_run_folder = create_run_folder
coordinator.RETRY_AFTER = 0.1
sys.exit(coordinator.main())
