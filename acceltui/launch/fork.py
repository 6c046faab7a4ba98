"""A new run that begins where another stood: what was paid for once need not be paid again."""

import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from acceltui.launch.record import record_run
from acceltui.recipe.load import LoadedRecipe, load_recipe
from acceltui.recipe.resolved import load_resolved
from acceltui.recipe.schema import Section
from acceltui.runs.checkpoints import Found, find_checkpoints, segments_folder
from acceltui.runs.events import EventWriter
from acceltui.runs.files import make_private_folder
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader, JsonlWriter
from acceltui.runs.metrics import apply_rewinds
from acceltui.runs.paths import RunError, create_run_folder

FIXED = {
    "seed": "the generators go on from where they stood",
    "method": "its stages are others",
    "env": "what was learned is of another environment",
    "encoder": "its weights have other shapes",
    "critic": "its weights have other shapes",
    "accelerator": "its weights have other shapes",
    "transformer": "its weights have other shapes",
    "algorithm.kind": "a critic of another algorithm means something else",
    "clone.from": "the replay it draws from is not there",
    "clone.critic": "the critic of its own is not there",
}
"""What a fork cannot change, and why."""
FREE = (
    "accelerator.steps",
    "accelerator.replay",
    *(f"{name}.learning_rate" for name in ("accelerator", "critic", "transformer")),
)
"""What it can all the same."""


def choose(folder: RunFolder, at: str | None) -> Found:
    """The checkpoint that `at` means: a step, `switch`, `best`, None for the newest; RunError tells what there is."""
    found = find_checkpoints(folder)
    wanted = [one for one in found if at is None or at in one.manifest["why"] or at == str(one.step)]
    if not found:
        raise RunError(f"{folder.name} has no checkpoint to fork from.")
    if not wanted:
        there = "; ".join(f"{one.step} ({', '.join(one.manifest['why'])})" for one in found)
        raise RunError(f"{folder.name} has no checkpoint at {at!r}. There are: {there}.")
    if wrong := wanted[-1].damage():
        raise RunError(f"The checkpoint {wanted[-1].path.name} of {folder.name} cannot be used: {wrong}.")
    return wanted[-1]


def changed_recipe(
    folder: RunFolder, overrides: Sequence[str], modules: Sequence[str]
) -> tuple[LoadedRecipe, list[str]]:
    """The run's recipe with changes, and these as `key=value`. RunError where a fork cannot make one of them."""
    loaded = load_recipe(folder.resolved, overrides, modules)
    before, after = flat(load_resolved(folder.resolved)), flat(loaded.recipe)
    changes = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    for key in changes:
        for fixed, why in FIXED.items():
            if key not in FREE and (key == fixed or key.startswith(f"{fixed}.")):
                raise RunError(f"A fork cannot change {key}: {why}. Start a new run.")
    return loaded, [f"{key}={after.get(key)}" for key in changes]


def make_fork(
    origin: RunFolder, checkpoint: Found, loaded: LoadedRecipe, changes: Sequence[str], name: str | None, share: bool
) -> RunFolder:
    """A run folder that holds the checkpoint and the history up to it, for an engine to resume."""
    recipe = loaded.recipe
    folder = create_run_folder(origin.path.parent, recipe.name, recipe.seed, name=name, share=share)
    record_run(folder, loaded, sys.argv[1:])
    make_private_folder(folder.path / "replay", share=share)
    for parts in checkpoint.manifest["replays"].values():
        for part in parts:
            shutil.copyfile(
                segments_folder(origin.checkpoints) / part["file"], segments_folder(folder.checkpoints) / part["file"]
            )
    target = folder.checkpoints / checkpoint.path.name
    make_private_folder(target, share=share)
    for file in checkpoint.manifest["files"]:
        shutil.copyfile(checkpoint.path / file, target / file)
    (target / "manifest.json").write_text(json.dumps({**checkpoint.manifest, "why": ["fork"]}))
    inherit(origin, folder, checkpoint.step)
    events = EventWriter(folder.events)
    different = f"; changed: {', '.join(changes)}" if changes else ""
    message = f"forked from {origin.name} at step {checkpoint.step:,}; what came before is its history{different}"
    events.append(
        "fork",
        message,
        step=checkpoint.step,
        origin=origin.name,
        checkpoint=checkpoint.path.name,
        changes=list(changes),
    )
    events.close()
    return folder


def inherit(origin: RunFolder, folder: RunFolder, step: int) -> None:
    """Copy what was measured and what happened up to a step."""
    for source, target, rows in (
        (origin.metrics, folder.metrics, apply_rewinds(JsonlReader(origin.metrics).poll())),
        (origin.events, folder.events, JsonlReader(origin.events).poll()),
    ):
        if source.exists():
            writer = JsonlWriter(target)
            for row in rows:
                if isinstance(row.get("step"), int) and row["step"] <= step:
                    writer.append(row)
            writer.close()


def flat(section: Section, path: str = "") -> dict[str, Any]:
    """Values by dotted key."""
    found: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        value, key = getattr(section, name), f"{path}{field.alias or name}"
        found |= flat(value, f"{key}.") if isinstance(value, Section) and not is_rule(key) else {key: value}
    return found


def is_rule(key: str) -> bool:
    """Whether a section is one value: the switch rule is told as a whole."""
    return key == "switch"
