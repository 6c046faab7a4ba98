"""Versions of what a run is computed with: where they change, a resumed run may round otherwise."""

import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

from acceltui.runs.text import clean

PACKAGES = ("acceltui", "torch", "gymnasium", "mujoco", "mani_skill", "numpy", "textual")
SHOWS_ONLY = ("textual",)
"""Of these, what computes nothing."""


def versions() -> dict[str, str | None]:
    """Python's and the packages'; None where one is not installed."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def version(package: str) -> str | None:
    """Installed version of a package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def changed_versions(before: Mapping[str, Any]) -> list[str]:
    """A clause for each that is another by now, of those that compute; `before` is as `versions` gave it."""
    return [
        f"{name} is {now or 'not installed'} and was {clean(before[name]) if before[name] else 'not installed'}"
        for name, now in versions().items()
        if name not in SHOWS_ONLY and name in before and before[name] != now
    ]
