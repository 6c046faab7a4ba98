"""Going on with a run: whether that may be, and with which changes of its recipe."""

import time
from collections.abc import Sequence

from acceltui.recipe.differences import changes
from acceltui.recipe.resolved import load_resolved
from acceltui.recipe.schema import Recipe
from acceltui.runs.checkpoints import Found, find_checkpoints
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import is_alive
from acceltui.runs.lock import engine_lock
from acceltui.runs.paths import RunError, is_own_run
from acceltui.runs.status import read_status
from acceltui.runs.versions import changed_versions

GONE_WITHIN = 70.0
"""Seconds that the engine of a batch system's job before this one may take to be gone."""


def newest_checkpoint(folder: RunFolder) -> Found:
    """The checkpoint that a run would go on from; RunError where it lives, has ended or has none."""
    status = read_status(folder)
    if status is not None and is_alive(folder, status):
        raise RunError(f"{folder.name} runs: `accel attach {folder.name}` shows it.")
    if is_finished(folder):
        raise RunError(f"{folder.name} is FINISHED: there is nothing to resume.")
    found = find_checkpoints(folder)
    if not found:
        raise RunError(f"{folder.name} has no checkpoint to go on from: start a new run.")
    return found[-1]


def check_changes(folder: RunFolder, checkpoint: Found, recipe: Recipe, allowed: Sequence[str]) -> list[str]:
    """Sentences on what is other than when the checkpoint was saved, for the user to see.

    RunError where the recipe has changed and not all of it is in `allowed`: keys, or sections that hold them.
    """
    if checkpoint.damage_of("recipe.yaml"):
        return []  # an older one is gone on from, and the engine says so
    then = load_resolved(checkpoint.path / "recipe.yaml")
    sentences = []
    for change in changes(then, recipe):
        if why := change.why_not(recipe):
            raise RunError(f"{folder.name} cannot go on with {change}: {why}. Start a new run.")
        if not any(f"{change.key}.".startswith(f"{key}.") for key in allowed):
            raise RunError(
                f"The recipe of {folder.name} has changed since its last checkpoint: {change}. "
                f"`--allow {change.key}` goes on with that; `accel fork` makes a run of its own of it."
            )
        sentences.append(f"Changed: {change}.")
    different = changed_versions(checkpoint.manifest["versions"])
    if different:
        sentences.append(f"Warning: {', '.join(different)}: what follows may differ in rounding.")
    return sentences


def has_begun(folder: RunFolder) -> bool:
    """Whether there is something to go on with, for a batch system's job that may be the first or a later one.

    A run that ended before its first checkpoint is moved aside. RunError where an engine is there and stays.
    """
    if not is_own_run(folder.path):
        return False
    wait_until_gone(folder)
    with engine_lock(folder, GONE_WITHIN):
        if is_finished(folder) or find_checkpoints(folder):
            return True
        move_aside(folder)
    return False


def is_finished(folder: RunFolder) -> bool:
    """Whether it has come to the end of its budgets."""
    status = read_status(folder)
    return status is not None and status.state == "FINISHED"


def wait_until_gone(folder: RunFolder) -> None:
    """Give an engine that was told to leave the time for it; RunError where it stays."""
    until = time.monotonic() + GONE_WITHIN
    while (status := read_status(folder)) is not None and is_alive(folder, status):
        if time.monotonic() >= until:
            raise RunError(f"{folder.name} runs: `accel attach {folder.name}` shows it.")
        time.sleep(0.5)


def move_aside(folder: RunFolder) -> None:
    """Give a folder another name: its own with the first number behind it that is free."""
    number = 1
    while (aside := folder.path.with_name(f"{folder.name}-{number}")).exists():
        number += 1
    folder.path.rename(aside)
