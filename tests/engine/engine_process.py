"""The engine as users get it: a process of its own on a run folder."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from acceltui.recipe.load import dump_resolved
from acceltui.recipe.schema import Recipe
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.paths import create_run_folder
from acceltui.runs.status import Status, read_status

PATIENCE = 120.0
"""Seconds after which a test gives an engine up."""


def engine_command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "acceltui.engine", *map(str, arguments)]


def engine(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the engine to its end."""
    return subprocess.run(engine_command(*arguments), cwd=cwd, capture_output=True, text=True, timeout=PATIENCE)


def resolved(folder: Path, recipe: Recipe) -> Path:
    """A file resolved.yaml of `recipe` in `folder`."""
    path = folder / "resolved.yaml"
    path.write_text(dump_resolved(recipe))
    return path


def new_run(root: Path, recipe: Recipe, name: str = "run") -> RunFolder:
    """A run folder that waits for its engine."""
    folder = create_run_folder(root, recipe.name, recipe.seed, name=name)
    resolved(folder.path, recipe)
    return folder


def status_of(folder: RunFolder) -> Status:
    status = read_status(folder)
    assert status is not None
    return status


def rows(folder: RunFolder) -> list[dict[str, Any]]:
    return JsonlReader(folder.metrics).poll()


def events(folder: RunFolder, kind: str) -> list[dict[str, Any]]:
    return [event for event in JsonlReader(folder.events).poll() if event["kind"] == kind]


def until(true: Callable[[], object]) -> None:
    """Wait until something about an engine is true."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "the engine did not get there"
        time.sleep(0.05)
