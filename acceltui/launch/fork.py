"""A new run that begins where another stood: what was paid for once need not be paid again."""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from acceltui.launch.record import record_run
from acceltui.recipe.differences import Change, changes
from acceltui.recipe.load import LoadedRecipe, load_recipe
from acceltui.recipe.resolved import load_resolved
from acceltui.recipe.schema import Recipe
from acceltui.runs.checkpoints import Found, find_checkpoints, listed, pick
from acceltui.runs.events import EventWriter
from acceltui.runs.files import file_mode, make_private_folder, seal, write_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader, JsonlWriter
from acceltui.runs.metrics import Row, is_count, is_measurement, is_rewind, is_void
from acceltui.runs.outcome import origin_of, recipe_of
from acceltui.runs.paths import RunError, create_run_folder
from acceltui.runs.results import result_id


def choose(folder: RunFolder, at: str | None) -> Found:
    """The checkpoint that `at` means: a step, `switch`, `best`, a folder's name, None for the newest; RunError tells
    what there is."""
    found = find_checkpoints(folder)
    if not found:
        raise RunError(f"{folder.name} has no checkpoint to fork from.")
    wanted = pick(found, "last" if at is None else at) or [one for one in found if one.path.name == at]
    if not wanted:
        raise RunError(f"{folder.name} has no checkpoint at {at!r}. There are: {listed(found)}.")
    if wrong := wanted[0].damage():
        raise RunError(f"The checkpoint {wanted[0].path.name} of {folder.name} cannot be used: {wrong}.")
    return wanted[0]


def changed_recipe(
    folder: RunFolder, checkpoint: Found, overrides: Sequence[str], modules: Sequence[str]
) -> tuple[LoadedRecipe, list[Change]]:
    """The run's recipe with changes, and what differs from the checkpoint's. RunError where a fork cannot do that."""
    loaded = load_recipe(folder.resolved, overrides, modules)
    return loaded, possible_changes(checkpoint, loaded.recipe)


def possible_changes(checkpoint: Found, recipe: Recipe) -> list[Change]:
    """What is other in `recipe` than in a checkpoint's. RunError where a fork cannot do that."""
    found = changes(load_resolved(checkpoint.path / "recipe.yaml"), recipe)
    for change in found:
        if why := change.why_not(recipe):
            raise RunError(f"A fork cannot change {change.key}: {why}. Start a new run.")
    return found


def make_fork(
    root: Path,
    origin: RunFolder,
    checkpoint: Found,
    loaded: LoadedRecipe,
    changed: Sequence[Change],
    arguments: Sequence[str],
    name: str | None = None,
    share: bool = False,
) -> RunFolder:
    """A run folder below `root` that holds the checkpoint and the history up to it, for an engine to resume.
    `arguments`: of the call that makes it, for the record."""
    recipe = loaded.recipe
    folder = create_run_folder(root, recipe.name, recipe.seed, name=name, share=share)
    try:
        record_run(folder, loaded, arguments)
        fill_fork(folder, origin, checkpoint, changed, share)
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
    changed: Sequence[Change],
    share: bool,
) -> None:
    """Copy the checkpoint and the history, and say where they come from. The checkpoint's manifest comes last: without
    it nothing has begun."""
    make_private_folder(folder.replay, share=share)
    replays = checkpoint.replays()
    for part in (part for parts in replays.values() for part in parts):
        assert checkpoint.segments is not None
        copy(checkpoint.segments, folder.replay, part["file"])
    target = folder.checkpoints / checkpoint.path.name
    make_private_folder(target, share=share)
    for file in checkpoint.manifest["files"]:
        copy(checkpoint.path, target, file)
    # It is of the fork's recipe from now on.
    shutil.copyfile(folder.resolved, target / "recipe.yaml")
    files = {**checkpoint.manifest["files"], "recipe.yaml": seal(target / "recipe.yaml")}
    taken = {"why": ["fork"], "files": files, "replays": replays, "scratch": False}
    manifest = {**checkpoint.manifest, **taken}
    if any(change.key in ("accelerator.steps", "switch") for change in changed):
        manifest["leaving"] = None  # whether the stage is over is asked anew
    inherit(origin, folder, checkpoint)
    events = EventWriter(folder.events)
    told = [str(change) for change in changed]
    different = f"; changed: {', '.join(told)}" if told else ""
    if checkpoint.manifest["replays"] and not replays:
        different += "; its replay lay in a scratch folder that is not here"
    message = f"forked from {origin.name} at step {checkpoint.step:,}; what came before is its history{different}"
    events.append(
        "fork",
        message,
        step=checkpoint.step,
        origin=origin.name,
        result=result_id(recipe_of(origin), origin_of(origin)),
        checkpoint=checkpoint.path.name,
        changes=[f"{change.key}={change.after}" for change in changed],
    )
    events.close()
    write_whole(target / "manifest.json", json.dumps(manifest).encode())


def copy(source: Path, target: Path, name: str) -> None:
    """Copy a file from folder to folder, with the permissions of the new one."""
    shutil.copyfile(source / name, target / name)
    (target / name).chmod(file_mode(target))


def inherit(origin: RunFolder, folder: RunFolder, checkpoint: Found) -> None:
    """Copy what was measured up to a checkpoint, by its attempt and those before, and what happened up to its step."""
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
