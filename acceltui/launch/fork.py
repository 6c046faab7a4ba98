"""A new run that begins where another stood: what was paid for once need not be paid again."""

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from acceltui.launch.record import record_run
from acceltui.recipe.load import LoadedRecipe, load_recipe
from acceltui.recipe.resolved import load_resolved
from acceltui.recipe.schema import Section
from acceltui.runs.checkpoints import Found, find_checkpoints, segments_folder
from acceltui.runs.events import EventWriter
from acceltui.runs.files import file_mode, make_private_folder, write_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader, JsonlWriter
from acceltui.runs.metrics import Row, is_count, is_measurement, is_rewind, is_void
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
    "algorithm.rollout_steps": "a rollout is half taken",
    "online.algorithm.rollout_steps": "a rollout is half taken",
    "clone.from": "the replay it draws from is not there",
    "clone.critic": "the critic of its own is not there",
    "clone.rollouts.episodes": "its environments have a replay each",
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
    if loaded.recipe.clone.from_ == "rollouts" and "evaluation.num_envs" in changes:
        raise RunError("A fork cannot change evaluation.num_envs: each of clone.rollouts' environments has a replay.")
    for key in changes:
        for fixed, why in FIXED.items():
            if key not in FREE and (key == fixed or key.startswith(f"{fixed}.")):
                raise RunError(f"A fork cannot change {key}: {why}. Start a new run.")
    return loaded, [f"{key}={after.get(key)}" for key in changes]


def make_fork(
    root: Path,
    origin: RunFolder,
    checkpoint: Found,
    loaded: LoadedRecipe,
    changes: Sequence[str],
    name: str | None,
    share: bool,
) -> RunFolder:
    """A run folder below `root` that holds the checkpoint and the history up to it, for an engine to resume."""
    recipe = loaded.recipe
    folder = create_run_folder(root, recipe.name, recipe.seed, name=name, share=share)
    try:
        fill_fork(folder, origin, checkpoint, loaded, changes, share)
    except OSError as error:
        shutil.rmtree(folder.path, ignore_errors=True)
        why = f"{Path(error.filename or '').name}: {error.strerror}"
        raise RunError(
            f"{origin.name} cannot be forked from {checkpoint.path.name}: {why}. Try another checkpoint."
        ) from None
    return folder


def fill_fork(
    folder: RunFolder,
    origin: RunFolder,
    checkpoint: Found,
    loaded: LoadedRecipe,
    changes: Sequence[str],
    share: bool,
) -> None:
    """Copy the checkpoint and the history, and say where they come from."""
    record_run(folder, loaded, sys.argv[1:])
    make_private_folder(folder.path / "replay", share=share)
    for parts in checkpoint.manifest["replays"].values():
        for part in parts:
            copy(segments_folder(origin.checkpoints), segments_folder(folder.checkpoints), part["file"])
    target = folder.checkpoints / checkpoint.path.name
    make_private_folder(target, share=share)
    for file in checkpoint.manifest["files"]:
        copy(checkpoint.path, target, file)
    manifest = {**checkpoint.manifest, "why": ["fork"]}
    if any(change.startswith(("accelerator.steps=", "switch=")) for change in changes):
        manifest["leaving"] = None  # whether the stage is over is asked anew
    write_whole(target / "manifest.json", json.dumps(manifest).encode())
    inherit(origin, folder, checkpoint)
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


def copy(source: Path, target: Path, name: str) -> None:
    """Copy a file from folder to folder, with the permissions of the new one."""
    shutil.copyfile(source / name, target / name)
    (target / name).chmod(file_mode(target))


def inherit(origin: RunFolder, folder: RunFolder, checkpoint: Found) -> None:
    """Copy what was measured and what happened up to a checkpoint, by its attempt and those before."""
    step, attempt = checkpoint.step, checkpoint.manifest["attempt"]
    for source, target, rows in (
        (origin.metrics, folder.metrics, measurements(origin, attempt)),
        (origin.events, folder.events, JsonlReader(origin.events).catch_up()),
    ):
        if source.exists():
            writer = JsonlWriter(target)
            for row in rows:
                if isinstance(row.get("step"), int) and row["step"] <= step:
                    writer.append(row)
            writer.close()


def measurements(origin: RunFolder, attempt: int) -> Iterator[Row]:
    """What the attempts up to one measured, without what rewinds among them took back. The file is read twice, since
    it may be larger than the memory: for the rewinds, and for the rows."""
    rewinds = [(number, row) for number, row in counted(origin, attempt) if is_rewind(row)]
    for number, row in counted(origin, attempt):
        while rewinds and rewinds[0][0] <= number:
            del rewinds[0]
        if is_measurement(row) and not any(is_void(row, rewind) for _, rewind in rewinds):
            yield row


def counted(origin: RunFolder, attempt: int) -> Iterator[tuple[int, Row]]:
    """Rows of the attempts up to one, each with its place in the file."""
    for number, row in enumerate(JsonlReader(origin.metrics).catch_up()):
        if is_count(row.get("attempt")) and row["attempt"] <= attempt:
            yield number, row


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
