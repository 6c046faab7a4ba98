"""accel: transformer policies in online reinforcement learning, trained from a terminal."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """What scripts import; `import acceltui` itself loads nothing."""
    if name in ("Policy", "load_policy"):
        return getattr(import_module("acceltui.engine.policy"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
