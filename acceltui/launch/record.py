"""What a run was made from, written into its folder before the engine starts: enough to repeat it."""

import json
import os
import platform
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from acceltui.recipe.load import LoadedRecipe
from acceltui.recipe.resolved import dump_resolved
from acceltui.runs.files import write_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.status import this_host
from acceltui.runs.versions import versions

LARGEST_DIFF = 1 << 20


def record_run(folder: RunFolder, loaded: LoadedRecipe, arguments: Sequence[str]) -> None:
    """Write the recipe's sources, overrides, resolved values and the surroundings; `arguments` follow `accel`."""
    record_recipe(folder, loaded)
    write_whole(folder.environment, json.dumps(surroundings(arguments), indent=2).encode() + b"\n")


def record_recipe(folder: RunFolder, loaded: LoadedRecipe) -> None:
    """Write the recipe's sources, overrides and resolved values."""
    write_sources(folder, loaded.sources)
    write_whole(folder.overrides, json.dumps(loaded.overrides, indent=2).encode() + b"\n")
    write_whole(folder.resolved, dump_resolved(loaded.recipe).encode())


def write_sources(folder: RunFolder, sources: Sequence[tuple[Path, bytes]]) -> None:
    """Write the recipe as recipe.yaml and what it extends under its own name, or a numbered one where that is taken."""
    parts = [getattr(folder, part) for part, kind in vars(RunFolder).items() if isinstance(kind, property)]
    taken = {part.name for part in parts if isinstance(part, Path)}
    for number, (path, data) in enumerate(sources):
        name = "recipe.yaml" if number == 0 else path.name
        if number > 0 and name in taken:
            name = f"extended-{number}-{name}"
        taken.add(name)
        write_whole(folder.path / name, data)


def surroundings(arguments: Sequence[str]) -> dict[str, Any]:
    """Where the run was started and with what."""
    return {
        "command": shlex.join(["accel", *arguments]),
        "arguments": list(arguments),
        "directory": str(Path.cwd()),
        "git": git_state(),
        "versions": versions(),
        "host": this_host(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
    }


def git_state() -> dict[str, Any] | None:
    """Commit and uncommitted changes of the working directory; None outside a repository with a commit."""
    commit = git("rev-parse", "--verify", "--quiet", "HEAD")
    if not commit:
        return None
    diff = git("diff", "HEAD", "--no-ext-diff", "--no-textconv")
    return {
        "commit": commit.decode().strip(),
        "diff": diff[:LARGEST_DIFF].decode(errors="replace"),
        "diff_is_cut": len(diff) > LARGEST_DIFF,
    }


def git(*arguments: str) -> bytes:
    """What git prints, little more than LARGEST_DIFF of it; nothing where it fails or is not there."""
    try:
        process = subprocess.Popen(
            ["git", "--no-optional-locks", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError:
        return b""
    with process:
        assert process.stdout is not None
        printed = process.stdout.read(LARGEST_DIFF + 1)
        process.kill()
    return printed
