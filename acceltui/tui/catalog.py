"""All runs of a folder, as the list of runs shows them; knows no widget."""

import contextlib
import math
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from acceltui.runs.files import folder_clock, read_regular
from acceltui.runs.filter import Filter, Values, read_values
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import observed_state, status_stamp
from acceltui.runs.notes import Notes, read_notes
from acceltui.runs.paths import list_runs, made_at, run_title
from acceltui.runs.progress import Progress, as_number, read_progress
from acceltui.runs.status import LIVING, UNREADABLE, Status, read_status, this_host
from acceltui.runs.text import clean

CLOCK_INTERVAL = 60.0
"""Seconds between two looks at a file server's clock."""
LARGEST_RECIPE = 1 << 20


@dataclass(frozen=True)
class RunLine:
    """One run; its texts are safe to show."""

    folder: RunFolder
    title: str
    recipe: str
    """Recipe and seed; empty where the title has them, or nobody knows."""
    state: str
    """As observed: also CRASHED and STALLED."""
    stage: str
    step: int
    budget: float
    """Training steps of both stages; 0 when unknown."""
    speed: float | None
    """Environment steps a second; None where no engine is there."""
    best: float | None
    """Return of the best evaluation; None before the first."""
    made: float
    """When the run was made, in seconds."""
    error: str
    """Why it failed."""
    notes: Notes
    values: Values = field(default_factory=dict)
    """What its recipe says under the keys that the catalog looks for; not safe to show."""

    @property
    def alive(self) -> bool:
        """Whether an engine is there."""
        return self.state in LIVING

    @property
    def share(self) -> float | None:
        """Of the budget; None where that is unknown."""
        return self.step / self.budget if self.budget else None

    def matches(self, wanted: Filter) -> bool:
        """Whether it is meant, by the run's name, recipe, state, tags, note, and the values of its recipe."""
        known = f"{self.folder.name} {self.title} {self.recipe} {self.state} {self.notes.text}"
        return wanted.matches(known, self.values)


@dataclass(frozen=True)
class Known:
    """A run as its files told, and when those were written: while they stand, they are not read again."""

    written: tuple[float, float]
    """The status, and the notes."""
    status: Status
    line: RunLine


class Catalog:
    """Reads the runs below `root` again and again; only files that were written since are read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.keys: frozenset[str] = frozenset()
        """Of recipes, what to look for. Another thread may replace it."""
        self._known: dict[str, Known] = {}
        self._values: dict[str, tuple[float, Values]] = {}
        """Of each run, when its recipe was written and what it says; kept while the same keys are looked for."""
        self._offset = 0.0
        self._next_clock = 0.0

    def look(self) -> list[RunLine]:
        """All runs, newest first. RunError where they cannot be listed."""
        self._known = {folder.name: self._read(folder) for folder in list_runs(self.root)}
        lines = [known.line for known in self._known.values()]
        if not (keys := self.keys):
            return lines
        self._values = {line.folder.name: self._read_values(line.folder, keys) for line in lines}
        return [replace(line, values=self._values[line.folder.name][1]) for line in lines]

    def look_at(self, folder: RunFolder) -> Known:
        """One run, be it listed or not."""
        known = self._known[folder.name] = self._read(folder)
        return known

    def _read(self, folder: RunFolder) -> Known:
        known, written = self._known.get(folder.name), (status_stamp(folder), stamp(folder.notes))
        if known is None or known.written != written:
            status = read_status(folder) or Status(state=UNREADABLE, stage="")
            notes = read_notes(folder) if written[1] else Notes()
            line = read_line(folder, status, notes, known.line.recipe if known else "")
            known = Known(written, status, line)
        if known.status.state not in LIVING:
            return known
        state = clean(observed_state(folder, known.status, self._now(known.status)))
        speed = known.line.speed if state in LIVING else None
        return replace(known, line=replace(known.line, state=state, speed=speed))

    def _read_values(self, folder: RunFolder, keys: Iterable[str]) -> tuple[float, Values]:
        written, known = stamp(folder.resolved), self._values.get(folder.name)
        if known and known[0] == written and known[1].keys() == keys:
            return known
        return written, read_values(read_resolved(folder), keys)

    def _now(self, status: Status) -> float:
        """The time by the clock that stamps the run's status; a file server is asked for it only now and then."""
        if status.host == this_host():
            return time.time()
        if time.monotonic() >= self._next_clock:
            self._next_clock = time.monotonic() + CLOCK_INTERVAL
            with contextlib.suppress(OSError):  # where one may only look, this host's clock has to do
                self._offset = folder_clock(self.root) - time.time()
        return time.time() + self._offset


def read_line(folder: RunFolder, status: Status, notes: Notes, recipe: str) -> RunLine:
    """A run's line by its status; `recipe` as it was read before, if it was."""
    progress: Progress = read_progress(status.progress)
    title = run_title(folder.name)
    error = status.error or {}
    return RunLine(
        folder=folder,
        title=title,
        recipe="" if title != folder.name else recipe or read_recipe(folder),
        state=clean(status.state),
        stage=clean(status.stage),
        step=int(as_number(status.step) or 0),
        budget=progress.budget,
        speed=_number(progress.steps_per_s) if status.state in LIVING else None,
        best=_number(progress.best_return),
        made=made_at(folder)[0],
        error=clean(error.get("message") or "") if status.state == "FAILED" else "",
        notes=notes,
    )


def stamp(path: Path) -> float:
    """When a file was written; 0 where there is none."""
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def read_recipe(folder: RunFolder) -> str:
    """`recipe s1` by the resolved recipe; empty where it does not tell."""
    # Not parsed: of hundreds of runs, that would take seconds.
    text = read_resolved(folder)
    name, seed = re.search(r"^name: (.+)$", text, re.MULTILINE), re.search(r"^seed: (\d+)$", text, re.MULTILINE)
    return clean(f"{name[1]} s{seed[1]}") if name and seed else ""


def read_resolved(folder: RunFolder) -> str:
    """The text of the resolved recipe; empty where there is none that can be read."""
    with contextlib.suppress(OSError, ValueError):
        return read_regular(folder.resolved, LARGEST_RECIPE)[0].decode("utf-8", "replace")
    return ""


def filtered(root: Path, wanted: Filter) -> tuple[list[RunFolder], str]:
    """The runs below `root` that are meant, newest first, and why none can be, if that is so.

    RunError where they cannot be listed.
    """
    catalog = Catalog(root)
    catalog.keys = wanted.keys
    lines = catalog.look()
    return [line.folder for line in lines if line.matches(wanted)], wanted.trouble(line.values for line in lines)
