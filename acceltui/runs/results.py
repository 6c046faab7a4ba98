"""Results: what a run came to in one small file that is kept when its folder is not, and compared with others'."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from acceltui.recipe.schema import Recipe
from acceltui.runs.files import finite, read_regular
from acceltui.runs.paths import RunError
from acceltui.runs.status import LARGEST
from acceltui.runs.text import clean

LARGEST_FILE = 1 << 24
"""Bytes of a result that are read."""

RECENT = 3
"""Evaluations whose mean counts, where a single one says too little."""
NOT_BEARING = {"name": True, "engine": True, "checkpoint": True, "log": True}
UNUSED: dict[str, dict[str, Any]] = {
    "scratch": {
        "accelerator": {"replay": True, "steps": True, "learning_rate": True},
        "clone": True,
        "switch": True,
        "online": {"steps": True, "seed_replay": True, "critic_warmup": True, "clone_fade": True},
    },
    "accelerator": {"accelerator": {"steps": True}, "clone": True, "switch": True, "online": True},
}
"""What the baselines do without, but for the sum of both budgets. Networks are not here: that they are built draws
numbers, whether or not they are used."""

Evaluation = dict[str, float | int | str | None]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Number = Annotated[float, Field(gt=-LARGEST, lt=LARGEST)]
"""What was written by anyone has a size."""


class ForeignFile(RunError):
    """JSON of something else."""


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
    """`<name>-<method>-s<seed>-<8 hex>`; the digits are a digest of all that bears on what comes out, not of the name,
    nor of where and how the run computes and saves, nor of what its method does without."""
    unused = UNUSED.get(recipe.method, {})
    bearing = recipe.model_dump(mode="json", by_alias=True, exclude={**NOT_BEARING, **unused})
    if unused:
        bearing["steps"] = recipe.total_steps
    if recipe.engine.precision != "highest":
        bearing["precision"] = recipe.engine.precision
    if origin:
        bearing["fork"] = list(origin)
    digest = hashlib.sha256(json.dumps(without_nulls(bearing), sort_keys=True).encode()).hexdigest()
    return f"{recipe.name}-{recipe.method}-s{recipe.seed}-{digest[:8]}"


def without_nulls(value: Any) -> Any:
    """Maps without their nulls, which a recipe leaves out: so a new key that is null changes no id."""
    if isinstance(value, dict):
        return {key: without_nulls(entry) for key, entry in value.items() if entry is not None}
    return [without_nulls(entry) for entry in value] if isinstance(value, list) else value


def dump(result: Result) -> str:
    """The text of a result: an evaluation a line, so that a person can read it, and a difference of two."""
    document = finite(asdict(result))
    rows = ",\n  ".join(json.dumps(row, allow_nan=False) for row in document.pop("evaluations"))
    return json.dumps(document, indent=1, allow_nan=False)[:-2] + f',\n "evaluations": [\n  {rows}\n ]\n}}\n'


def read_result(path: Path) -> Result:
    """A result as it was written; RunError with one sentence for what is none, ForeignFile where it never was one."""
    kind = RunError
    try:
        document = cleaned(finite(json.loads(read_regular(path, LARGEST_FILE)[0])))
        if not isinstance(document, dict) or "evaluations" not in document:
            kind = ForeignFile
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
    raise kind(f"{clean(path)} is no result of a run: {clean(why)}.")


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
