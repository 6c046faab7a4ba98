"""A run's status as objects for scripts and as text for people."""

import textwrap
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TypeGuard

from acceltui.cli.parameters import columns
from acceltui.runs import wording
from acceltui.runs.files import finite
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import heartbeat_age, observed_state
from acceltui.runs.notes import read_notes
from acceltui.runs.paths import made_at
from acceltui.runs.progress import Progress, read_progress
from acceltui.runs.status import UNREADABLE, Status, read_status
from acceltui.runs.text import clean

RETURNS = ("transformer/return", "accelerator/return")
COLUMNS = ("NAME", "STATE", "STAGE", "STEP", "TRANSFORMER", "ACCELERATOR", "AGE")
LONGEST_NOTES = 60
"""Characters of tags and note in a line of the table."""


def as_object(folder: RunFolder) -> dict[str, Any]:
    """One run for `--json`: the status as it was written, its state as observed, where the folder is, and notes."""
    status, notes = read_status(folder), asdict(read_notes(folder))
    if status is None:
        return {"run": folder.name, "path": str(folder.path), "state": UNREADABLE, **notes}
    observed = {"run": folder.name, "path": str(folder.path), "state": observed_state(folder, status)}
    written = finite(asdict(status))
    return observed | {key: value for key, value in written.items() if key not in observed} | notes


def table(folders: Sequence[RunFolder]) -> str:
    """Runs, one a line; numbers to the right, and after them what people say of runs."""
    rows = [COLUMNS, *map(row, folders)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) if column < 3 else cell.rjust(width) for column, (cell, width) in cells)
        for cells in (list(enumerate(zip(line, widths, strict=True))) for line in rows)
    ]
    notes = [textwrap.shorten(read_notes(folder).text, LONGEST_NOTES, placeholder=" ...") for folder in folders]
    heading = "NOTES" if any(notes) else ""
    return "\n".join(f"{line}  {said}".rstrip() for line, said in zip(lines, [heading, *notes], strict=True))


def plain_row(folder: RunFolder) -> str:
    """One line of `--plain`: run, state, stage, step, budget, the two returns as in RETURNS, age in seconds."""
    status = read_status(folder)
    if status is None:
        return columns(folder.name, UNREADABLE, *[None] * 6)
    values = status.progress.get("latest")
    known = values if isinstance(values, dict) else {}
    returns = [value if is_number(value := known.get(name)) else None for name in RETURNS]
    budget = read_progress(status.progress).budget
    age = max(time.time() - made_at(folder)[0], 0)  # a file server's clock may be before this one's
    state = observed_state(folder, status)
    return columns(folder.name, state, status.stage, status.step, f"{budget:.0f}", *returns, f"{age:.0f}")


def row(folder: RunFolder) -> tuple[str, ...]:
    """One line of the table."""
    status = read_status(folder)
    age = wording.duration(time.time() - made_at(folder)[0])
    if status is None:
        return (folder.name, UNREADABLE, "-", "-", "-", "-", age)
    returns = [shown for _, shown in latest(status, RETURNS)]
    state = observed_state(folder, status)
    return (folder.name, clean(state), clean(status.stage), steps(status), *returns, age)


def block(folder: RunFolder) -> str:
    """One run in a few lines."""
    status = read_status(folder)
    if status is None:
        return f"{clean(folder.name)}  {UNREADABLE}\n  folder       {clean(folder.path)}"
    progress = read_progress(status.progress)
    names = ("transformer/return", "accelerator/return", "random/return")
    facts = {
        "stage": f"{status.stage}, step {steps(status)}",
        "returns": ", ".join(f"{name.partition('/')[0]} {shown}" for name, shown in latest(status, names)),
        "switch": f"at step {progress.switch_step:,.0f}" if progress.switch_step is not None else rule(progress),
        "time": ", ".join(f"{part} {share:.0%}" for part, share in progress.time.items() if share >= 0.005),
        "speed": f"{wording.value(progress.steps_per_s)} steps/s, {wording.value(progress.updates_per_s)} updates/s",
        "left": wording.duration(progress.eta_s) if progress.eta_s is not None else "",
        "checkpoint": f"step {progress.checkpoint.step:,.0f}" if progress.checkpoint else "",
        "engine": engine(folder, status),
        "notes": read_notes(folder).text,
        "error": (status.error or {}).get("message", ""),
        "folder": str(folder.path),
    }
    named = [*facts.items(), *(("warning", sentence) for sentence in progress.health)]
    lines = [f"  {name:<11}  {clean(fact)}" for name, fact in named if fact]
    return "\n".join([f"{clean(folder.name)}  {clean(observed_state(folder, status))}", *lines])


def rule(progress: Progress) -> str:
    """How far the switch rule is, and what it sees."""
    return f"{progress.rule} ({progress.rule_detail})" if progress.rule_detail else progress.rule


def engine(folder: RunFolder, status: Status) -> str:
    """Which process it is and when it was last heard."""
    if status.pid is None:
        return "none yet"
    heard = wording.lag(heartbeat_age(folder, status))
    return f"pid {status.pid} on {status.host}, attempt {status.attempt}, heard {heard} ago"


def steps(status: Status) -> str:
    """12,000/150,000 (8%)"""
    budget = read_progress(status.progress).budget
    return f"{status.step:,}/{budget:,.0f} ({wording.percent(status.step, budget)}%)" if budget else f"{status.step:,}"


def latest(status: Status, names: Sequence[str]) -> list[tuple[str, str]]:
    """The newest values of metrics, `-` for what was not measured."""
    values = status.progress.get("latest")
    known = values if isinstance(values, dict) else {}
    return [(name, number(known.get(name))) for name in names]


def number(value: object) -> str:
    """A value as a person reads it, `-` for what is no number."""
    return wording.value(value) if is_number(value) else "-"


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a number that a run can have come to."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18
