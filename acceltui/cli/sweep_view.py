"""A sweep as it is, again and again until it is over: a table redrawn in place, lines, or objects."""

import json
import time
from collections.abc import Container, Sequence
from typing import Literal

import typer

from acceltui.cli.parameters import columns
from acceltui.cli.show import RETURNS, latest, steps
from acceltui.cli.watch import Screen
from acceltui.runs import wording
from acceltui.runs.progress import read_progress
from acceltui.runs.status import Status
from acceltui.runs.sweep_progress import JobLine, Progress, SweepReader, counted
from acceltui.runs.sweeps import JobState, SweepFolder
from acceltui.runs.text import clean

Form = Literal["screen", "lines", "json"]
LOOK_EVERY = 1.0
LINE_EVERY = 60.0
"""Seconds between two lines where nothing has begun or ended."""
STATES: tuple[JobState, ...] = ("finished", "running", "waiting", "failed", "stopped")
ORDER = ("running", "failed", "stopped", "waiting", "finished")
"""Of the lines of the table: what does not fit on the screen is left out at its end."""
HEADING = ("JOB", "STATE", "STAGE", "STEP", "TRANSFORMER", "ACCELERATOR", "LEFT")
LIST_HEADING = ("NAME", "STATE", "FINISHED", "RUNNING", "WAITING", "FAILED", "AGE")


def watch_sweep(folder: SweepFolder, form: Form) -> Progress:
    """Show a sweep until nobody is at it any more; gives what it has come to."""
    reader, screen = SweepReader(folder), Screen()
    shown: dict[str, str] = {}
    next_line = time.monotonic() + LINE_EVERY
    while True:
        progress = reader.look()
        if form == "screen":
            screen.draw("\n".join([headline(folder, progress), *job_table(progress)]))
        else:
            changed = [line for line in progress.jobs if shown.get(line.job.id, "waiting") != line.state]
            shown = {line.job.id: line.state for line in progress.jobs}
            for line in changed:
                typer.echo(job_json(folder, progress, line) if form == "json" else job_text(progress, line))
            if changed:
                next_line = time.monotonic() + LINE_EVERY
            elif time.monotonic() >= next_line and form == "lines":
                typer.echo(f"{now()} {counted(progress.counts)}; {at_work(progress)}")
                next_line = time.monotonic() + LINE_EVERY
        if progress.state in ("stopped", "over", "gone"):
            conclude(folder, progress, form)
            return progress
        time.sleep(LOOK_EVERY)


def conclude(folder: SweepFolder, progress: Progress, form: Form) -> None:
    """The last words on a sweep: how many, and which have failed."""
    named = [line for line in progress.jobs if line.state in ("failed", "stopped")]
    if form == "json":
        jobs = [{"run": line.job.run, "id": line.job.id, "state": line.state, "reason": line.reason} for line in named]
        last = {"sweep": folder.name, "state": progress.state, **counts_of(progress), "not_finished": jobs}
        typer.echo(json.dumps(last))
        return
    if progress.state == "gone":
        why = f"has lost its coordinator ({folder.log.name} in {clean(folder.path)} has its last words)"
        typer.echo(f"{folder.name} {why}: the same `accel sweep --name {folder.name} ...` goes on with it.", err=True)
    typer.echo(f"{folder.name} is {progress.state}: {counted(progress.counts)}.")
    for line in named:
        typer.echo(f"  {line.job.run} {line.state}: {line.reason}")


def headline(folder: SweepFolder, progress: Progress) -> str:
    """All of a sweep in a line."""
    state = "" if progress.state == "running" else f" {progress.state},"
    return f"{folder.name}:{state} {counted(progress.counts)}"


def job_table(progress: Progress) -> list[str]:
    """Jobs, one a line, those that something can be seen of first."""
    lines = sorted(progress.jobs, key=lambda line: ORDER.index(line.state))
    # What all have in common tells none from another, and the columns behind it are to be seen on a narrow terminal.
    common = set.intersection(*(set(line.job.cell) for line in lines))
    rows = aligned([HEADING, *(job_row(line, common) for line in lines)], words=3)
    reasons = ["", *(line.reason for line in lines)]
    return [f"{row}  {reason}".rstrip() for row, reason in zip(rows, reasons, strict=True)]


def job_row(line: JobLine, common: Container[str]) -> tuple[str, ...]:
    """One line of the table, without the overrides that are in `common`."""
    status = line.status
    name = clean(" ".join(word for word in line.job.cell if word not in common) or f"seed={line.job.seed}")
    state = clean(line.observed) if line.state == "running" else line.state
    if status is None or line.state == "waiting":
        return (name, state, "-", "-", "-", "-", "-")
    returns = [shown for _, shown in latest(status, RETURNS)]
    return (name, state, clean(status.stage), steps(status), *returns, left(status) if line.state == "running" else "-")


def left(status: Status) -> str:
    """How long a run has to go."""
    eta = read_progress(status.progress).eta_s
    return "-" if eta is None else wording.duration(eta)


def at_work(progress: Progress) -> str:
    """What is running, and how far that is."""
    running = [line for line in progress.jobs if line.state == "running" and line.status is not None]
    return ", ".join(f"{line.job.run} {steps(line.status)}" for line in running if line.status) or "nothing runs"


def job_text(progress: Progress, line: JobLine) -> str:
    """A change of a job's state, as a line."""
    why = f": {line.reason}" if line.reason else ""
    return f"{now()} {line.job.run} {line.state}{why} ({counted(progress.counts)})"


def job_json(folder: SweepFolder, progress: Progress, line: JobLine) -> str:
    """The same, for scripts."""
    job = {"run": line.job.run, "id": line.job.id, "cell": line.job.cell, "seed": line.job.seed}
    step = line.status.step if line.status else None
    told = {"sweep": folder.name, **job, "state": line.state, "step": step, "reason": line.reason}
    return json.dumps({**told, **counts_of(progress)})


def counts_of(progress: Progress) -> dict[str, int]:
    """How many jobs there are, and in which state."""
    return {"jobs": len(progress.jobs), **{state: progress.counts[state] for state in STATES}}


def table(readers: Sequence[SweepReader]) -> str:
    """Sweeps, one a line."""
    return "\n".join(line.rstrip() for line in aligned([LIST_HEADING, *map(row, readers)], words=2))


def aligned(rows: Sequence[tuple[str, ...]], words: int) -> list[str]:
    """Rows of a table as lines: the first columns are words, those behind them numbers, which stand at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.ljust(width) if place < words else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def row(reader: SweepReader) -> tuple[str, ...]:
    """One line of the list."""
    progress = reader.look()
    counts = progress.counts
    finished = f"{counts['finished']}/{len(progress.jobs)}"
    others = [str(counts[state]) for state in ("running", "waiting", "failed")]
    age = wording.duration(time.time() - reader.manifest.created)
    return (reader.folder.name, progress.state, finished, *others, age)


def plain_row(reader: SweepReader) -> str:
    """The same with tabs: name, state, jobs, finished, running, waiting, failed, stopped, age in seconds."""
    progress = reader.look()
    age = max(time.time() - reader.manifest.created, 0)
    return columns(reader.folder.name, progress.state, *counts_of(progress).values(), f"{age:.0f}")


def now() -> str:
    """The time of day."""
    return wording.clock(time.time(), with_seconds=True)
