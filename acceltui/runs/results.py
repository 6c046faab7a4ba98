"""Results: what a run came to in one small file that is kept when its folder is not, and compared with others'."""

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from acceltui.recipe.differences import flat, unlike_defaults
from acceltui.recipe.errors import RecipeError
from acceltui.recipe.resolved import load_resolved
from acceltui.recipe.schema import Recipe, Section
from acceltui.runs.files import finite, read_regular, write_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.liveness import observed_state
from acceltui.runs.metrics import Row, apply_rewinds, is_count, is_measurement, is_rewind
from acceltui.runs.paths import RunError
from acceltui.runs.progress import as_number, read_progress
from acceltui.runs.status import LARGEST, UNREADABLE, read_status, this_host
from acceltui.runs.text import clean

MOST_EVALUATIONS = 300
"""In one result; of more, so many are kept, evenly spread."""
DIGITS = 6
"""Significant digits of a float."""
LARGEST_FILE = 1 << 24
"""Bytes of a result, or of environment.json, that are read."""
POLICIES = ("transformer", "accelerator")
NOT_THE_TASK = {"id", "kind", "num_envs", "processes", "backend", "bootstrap"}
"""Keys of `env` that leave what is to be learned as it is; the id is named anyway."""
CPU, CPU_EVALUATION = "time/cpu", "time/cpu_evaluation"
CARRIED = (CPU, CPU_EVALUATION, "steps/evaluation", "steps/clone", "steps/total", "random/return", "random/success")
"""Metrics whose newest value is in force until there is another."""

Evaluation = dict[str, float | int | str | None]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Number = Annotated[float, Field(gt=-LARGEST, lt=LARGEST)]
"""What was written by anyone has a size."""


class Origin(NamedTuple):
    """Where a fork began: the id of the result that the run it left would have, and the step."""

    result: str
    step: Count


@dataclass(frozen=True)
class Result:
    """A run's recipe, circumstances and evaluations. Steps are environment steps, times CPU seconds of the engine and
    its children over all attempts; None is what was not measured, or was not finite. Texts are safe to show."""

    version: Literal[1]
    id: str
    run: str
    """Name of the run folder."""
    state: str
    """As `accel status` says it: FINISHED, FAILED, CRASHED, RUNNING."""
    error: str | None
    recipe: dict[str, Any]
    """Resolved values by dotted key."""
    seed: Count
    method: str
    task: str
    """`HalfCheetah-v5 hide=velocities`"""
    switch_step: Count | None
    switch_by: str | None
    """Which rule, whose command, or `budget`."""
    random_return: Number | None
    steps: dict[str, Count]
    """training, evaluation, clone, total"""
    cpu: dict[str, Number | None]
    """training, evaluation"""
    versions: dict[str, str | None]
    machine: dict[str, str | int | None]
    """processor (where the result was written by the machine that trained), cores"""
    commit: str | None
    """Of the directory the run was started in, `-dirty` where something there was not committed."""
    command: str | None
    attempts: Count
    evaluations: list[Evaluation]
    """step, stage, then what was spent so far: cpu, cpu_evaluation (part of it), steps_total (with evaluation and
    cloning); of each policy evaluated its mean return by its name, `_std`, `_success`; episodes of each."""
    origin: Origin | None = None
    """Of a fork, whose steps and CPU seconds begin with those of the run that it left."""
    random_success: Number | None = None


def result_id(recipe: Recipe, origin: Origin | None = None) -> str:
    """`<name>-<method>-s<seed>-<8 hex>`; the digits are a digest of all that bears on what comes out, not of the name
    nor of where and how the run computes and saves."""
    bearing = recipe.model_dump(mode="json", by_alias=True, exclude={"name", "engine", "checkpoint", "log"})
    if origin:
        bearing["fork"] = list(origin)
    digest = hashlib.sha256(json.dumps(without_nulls(bearing), sort_keys=True).encode()).hexdigest()
    return f"{recipe.name}-{recipe.method}-s{recipe.seed}-{digest[:8]}"


def without_nulls(value: Any) -> Any:
    """Maps without their nulls, which a recipe leaves out: so a new key that is null changes no id."""
    if isinstance(value, dict):
        return {key: without_nulls(entry) for key, entry in value.items() if entry is not None}
    return [without_nulls(entry) for entry in value] if isinstance(value, list) else value


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
        evaluations=thinned(evaluations(rows)),
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


def dump(result: Result) -> str:
    """The text of a result: an evaluation a line, so that a person can read it, and a difference of two."""
    document = finite(asdict(result))
    rows = ",\n  ".join(json.dumps(row, allow_nan=False) for row in document.pop("evaluations"))
    return json.dumps(document, indent=1, allow_nan=False)[:-2] + f',\n "evaluations": [\n  {rows}\n ]\n}}\n'


def read_result(path: Path) -> Result:
    """A result as it was written; RunError with one sentence for what is none."""
    try:
        document = cleaned(finite(json.loads(read_regular(path, LARGEST_FILE)[0])))
        return TypeAdapter(Result).validate_python(document)
    except OSError as error:
        why = error.strerror or str(error)
    except ValidationError as error:
        first = error.errors()[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"
    except RecursionError:
        why = "its maps lie too deep in each other"
    except ValueError as error:
        why = str(error)
    raise RunError(f"{clean(path)} is no result of a run: {clean(why)}.")


def cleaned(value: Any) -> Any:
    """A document whose texts are safe to show."""
    match value:
        case str():
            return clean(value)
        case dict():
            return {clean(key): cleaned(entry) for key, entry in value.items()}
        case list():
            return [cleaned(entry) for entry in value]
    return value


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


def thinned(found: Sequence[Evaluation]) -> list[Evaluation]:
    """At most MOST_EVALUATIONS, evenly spread, the first and the last among them."""
    if len(found) <= MOST_EVALUATIONS:
        return list(found)
    return [found[round(place * (len(found) - 1) / (MOST_EVALUATIONS - 1))] for place in range(MOST_EVALUATIONS)]


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
