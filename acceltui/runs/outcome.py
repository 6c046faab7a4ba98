"""What a run has come to, from its folder: its result."""

import json
import os
import platform
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from acceltui.recipe.differences import flat, unlike_defaults
from acceltui.recipe.errors import RecipeError
from acceltui.recipe.resolved import load_resolved
from acceltui.recipe.schema import Recipe, Section
from acceltui.runs.files import read_regular, write_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.liveness import observed_state
from acceltui.runs.metrics import Row, apply_rewinds, is_count, is_measurement, is_rewind
from acceltui.runs.paths import RunError
from acceltui.runs.progress import as_number, read_progress
from acceltui.runs.results import (
    LARGEST_FILE,
    RECENT,
    Evaluation,
    Number,
    Origin,
    Result,
    cleaned,
    dump,
    result_id,
    without_nulls,
)
from acceltui.runs.status import UNREADABLE, read_status, this_host
from acceltui.runs.text import clean

MOST_EVALUATIONS = 1_000
"""In one result; of more, about so many are kept, evenly spread."""
DIGITS = 6
"""Significant digits of a float."""
POLICIES = ("transformer", "accelerator")
NOT_THE_TASK = {"id", "kind", "num_envs", "processes", "backend", "bootstrap"}
"""Keys of `env` that leave what is to be learned as it is; the id is named anyway."""
CPU, CPU_EVALUATION = "time/cpu", "time/cpu_evaluation"
CARRIED = (CPU, CPU_EVALUATION, "steps/evaluation", "steps/clone", "steps/total", "random/return", "random/success")
"""Metrics whose newest value is in force until there is another."""


def origin_of(folder: RunFolder) -> Origin | None:
    """Where a run began that is a fork; what it inherited tells of forks before it, its own is the newest."""
    forks = [event for event in JsonlReader(folder.events).catch_up() if event.get("kind") == "fork"]
    if not forks or not isinstance(forks[-1].get("result"), str) or not is_count(forks[-1].get("step")):
        return None
    return Origin(clean(forks[-1]["result"]), forks[-1]["step"])


def result_of(folder: RunFolder) -> Result:
    """What a run has come to, finished or not; RunError where its recipe or all of its measurements are missing."""
    recipe, origin = recipe_of(folder), origin_of(folder)
    status, rows = read_status(folder), read_rows(folder)
    if status is None and not rows:
        raise RunError(f"{folder.path} has neither a status nor measurements that can be read.")
    last = carried(rows)
    training = max([row["step"] for row in rows[-1:]] + [status.step if status else 0])
    beside = {name: as_count(last[f"steps/{name}"]) or 0 for name in ("evaluation", "clone")}
    error = status.error.get("message") if status and status.error else None
    switch = read_progress(status.progress).switch_step if status else None
    surroundings = read_surroundings(folder)
    versions, command = surroundings.get("versions"), surroundings.get("command")
    return Result(
        version=1,
        id=result_id(recipe, origin),
        run=clean(folder.name),
        state=clean(observed_state(folder, status)) if status else UNREADABLE,
        error=clean(error) if error else None,
        recipe=cleaned({key: plain(value) for key, value in flat(recipe).items()}),
        seed=recipe.seed,
        method=recipe.method,
        task=task_name(recipe),
        switch_step=None if switch is None else int(switch),
        switch_by=None if switch is None else switched_by(folder),
        random_return=rounded(last["random/return"]),
        steps={"training": training, **beside, "total": training + sum(beside.values())},
        cpu={"training": rounded(cpu_of_training(last)), "evaluation": rounded(last[CPU_EVALUATION])},
        versions={
            clean(name): None if value is None else clean(value)
            for name, value in (versions.items() if isinstance(versions, dict) else ())
        },
        machine=machine_of(surroundings),
        commit=commit_of(surroundings),
        command=clean(command) if isinstance(command, str) else None,
        attempts=status.attempt if status else max(row["attempt"] for row in rows),
        evaluations=thinned(unasked(evaluations(rows), folder, recipe, {switch, training}), switch),
        origin=origin,
        random_success=rounded(last["random/success"]),
    )


def write_result(folder: RunFolder, results: Path) -> Path:
    """Put a run's result among others, in place of one of the same recipe; gives the file."""
    result = result_of(folder)
    path = results / f"{result.id}.json"
    results.mkdir(parents=True, exist_ok=True)
    write_whole(path, dump(result).encode())
    return path


def recipe_of(folder: RunFolder) -> Recipe:
    """The recipe in force in a run; RunError where it cannot be read."""
    try:
        return load_resolved(folder.resolved)
    except RecipeError as error:
        raise RunError(f"The recipe of {folder.name} cannot be read: {error}") from None


def read_rows(folder: RunFolder) -> list[Row]:
    """Measurements that still count, of each what a result needs."""
    suffixes = ("return", "std", "success", "episodes")
    wanted = {"step", "attempt", "stage", *CARRIED, *(f"{who}/{what}" for who in POLICIES for what in suffixes)}
    return apply_rewinds(
        row if is_rewind(row) else {key: value for key, value in row.items() if key in wanted}
        for row in JsonlReader(folder.metrics).catch_up()
        if is_rewind(row) or is_measurement(row)
    )


def carried(rows: Iterable[Row]) -> dict[str, float | None]:
    """The newest value of each of CARRIED; None where no row has it."""
    newest: dict[str, float | None] = dict.fromkeys(CARRIED)
    for row in rows:
        newest |= {key: as_number(row[key]) for key in CARRIED if key in row}
    return newest


def cpu_of_training(newest: Mapping[str, float | None]) -> float | None:
    """CPU seconds without those of evaluations; None where either is unknown."""
    whole, evaluating = newest[CPU], newest[CPU_EVALUATION]
    return None if whole is None or evaluating is None else whole - evaluating


def evaluations(rows: Iterable[Row]) -> list[Evaluation]:
    """What each evaluation measured, with the CPU seconds of its own row or of the newest before it."""
    found: list[Evaluation] = []
    cpu: dict[str, Number | None] = {CPU: None, CPU_EVALUATION: None}
    for row in rows:
        cpu |= {key: rounded(row[key]) for key in cpu if key in row}
        policies = [who for who in POLICIES if f"{who}/return" in row]
        if not policies:
            continue
        measured: Evaluation = {
            "step": row["step"],
            "stage": clean(row.get("stage", "")),
            "cpu": cpu[CPU],
            "cpu_evaluation": cpu[CPU_EVALUATION],
            "steps_total": as_count(row.get("steps/total")),
        }
        for who in policies:
            measured[who] = rounded(row[f"{who}/return"])
            measured |= {
                f"{who}_{what}": rounded(row[f"{who}/{what}"]) for what in ("std", "success") if f"{who}/{what}" in row
            }
        counts = (as_count(row.get(f"{who}/episodes")) for who in policies)
        found.append(measured | {"episodes": next((count for count in counts if count is not None), None)})
    return found


def unasked(
    found: Iterable[Evaluation], folder: RunFolder, recipe: Recipe, ends: Collection[float | None]
) -> list[Evaluation]:
    """Without those that a person asked for, beside the recipe's and those at the ends of stages: they have no part in
    what runs are measured by, as they have none in the switch rule."""
    every, num_envs = recipe.evaluation.every, recipe.env.num_envs
    events = JsonlReader(folder.events).catch_up()
    commands = [event for event in events if event.get("kind") == "command" and is_count(event.get("step"))]
    asked = {event["step"] for event in commands if str(event.get("message")).startswith("evaluate ")} - {*ends}
    return [one for one in found if one["step"] not in asked or step_of(one) % every < num_envs]


def thinned(found: Sequence[Evaluation], switch: float | None) -> list[Evaluation]:
    """About MOST_EVALUATIONS, evenly spread, and all of the last RECENT, in the whole and up to the switch."""
    if len(found) <= MOST_EVALUATIONS:
        return list(found)
    kept = {round(place * (len(found) - 1) / (MOST_EVALUATIONS - 1)) for place in range(MOST_EVALUATIONS)}
    before = len(found) if switch is None else sum(step_of(one) <= switch for one in found)
    kept |= {last - back for last in (before, len(found)) for back in range(1, RECENT + 1) if back <= last}
    return [found[place] for place in sorted(kept)]


def step_of(one: Evaluation) -> int:
    """The training step of an evaluation."""
    step = one["step"]
    assert isinstance(step, int)
    return step


def rounded(value: object) -> float | None:
    """A number with DIGITS significant digits; None for what is none."""
    number = as_number(value)
    return None if number is None else float(f"{number:.{DIGITS}g}")


def as_count(value: object) -> int | None:
    """A whole number; None for what is none."""
    number = as_number(value)
    return None if number is None else int(number)


def plain(value: Any) -> Any:
    """A recipe's value as JSON has it."""
    return without_nulls(value.model_dump(mode="json", by_alias=True)) if isinstance(value, Section) else value


def task_name(recipe: Recipe) -> str:
    """The environment's id, and what of `env` makes another task of it."""
    changed = unlike_defaults(recipe.env) - NOT_THE_TASK
    parts = [f"{key}={said(value)}" for key, value in flat(recipe.env).items() if key in changed]
    return clean(" ".join([recipe.env.id, *parts]))


def said(value: object) -> str:
    """A value in a task's name."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def switched_by(folder: RunFolder) -> str | None:
    """What made the newest switch, those that a resume went back on being older; None where no event tells."""
    by = [event.get("by") for event in JsonlReader(folder.events).catch_up() if event.get("kind") == "switch"]
    return clean(by[-1] or "") or None if by else None


def read_surroundings(folder: RunFolder) -> Mapping[str, Any]:
    """environment.json; nothing where there is none that can be read."""
    try:
        document = json.loads(read_regular(folder.environment, LARGEST_FILE)[0])
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def commit_of(surroundings: Mapping[str, Any]) -> str | None:
    """The commit, and whether there was more than that."""
    git = surroundings.get("git")
    if not isinstance(git, dict) or not isinstance(git.get("commit"), str):
        return None
    return clean(git["commit"]) + ("-dirty" if git.get("diff") else "")


def machine_of(surroundings: Mapping[str, Any]) -> dict[str, str | int | None]:
    """What the run was trained on, as far as that is known here."""
    here = surroundings.get("host") == this_host()
    cores = as_count(surroundings.get("cpus"))
    return {"processor": processor() if here else None, "cores": os.cpu_count() if here and cores is None else cores}


def processor() -> str:
    """This machine's processor, by the name that the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return clean(next(named, platform.machine()))
