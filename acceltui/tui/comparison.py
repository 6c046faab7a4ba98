"""Runs beside each other: what they measured over steps or time, how far they came, what differs in their recipes.
Knows no widget."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from acceltui.runs import wording
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import is_gone
from acceltui.runs.metrics import MetricsReader, Row, is_rewind
from acceltui.runs.paths import run_title
from acceltui.runs.progress import read_progress
from acceltui.runs.text import clean
from acceltui.tui.catalog import Catalog, Known
from acceltui.tui.series import CLOCK, Floats, History

TRANSFORMER, ACCELERATOR = "transformer/return", "accelerator/return"
RETURN = "Return"
MEASURES = {
    RETURN: (TRANSFORMER, ACCELERATOR),
    "Success": ("transformer/success", "accelerator/success"),
    "Critic loss": ("loss/critic",),
    "Actor loss": ("loss/actor",),
    "Cloning loss": ("loss/clone",),
    "Critic's gradient norm": ("grad/critic",),
    "Actor's gradient norm": ("grad/actor",),
    "Value": ("value/mean",),
    "Steps a second": ("speed/steps",),
}
"""What runs are compared by, one at a time: of each run the first of these metrics that it has."""
LOGARITHMIC = ("Cloning loss", "Critic's gradient norm", "Actor's gradient norm")
WANTED = ("step", "attempt", "time", *(name for names in MEASURES.values() for name in names))
READ_FOR = 0.5
"""Seconds that one look at long histories takes at most."""


class Measured:
    """What a run has measured of all that runs are compared by, and how long it had been trained for."""

    def __init__(self, folder: RunFolder) -> None:
        self._reader = MetricsReader(folder.metrics)
        self.history = History()

    @property
    def read(self) -> float:
        """Share of the metrics that is read."""
        return self._reader.share

    def metric(self, title: str = RETURN) -> str:
        """What the run is compared by: of the metrics under that title, the first that it has."""
        names = MEASURES[title]
        return next((name for name in names if len(self.history.view(name)[0])), names[0])

    def poll(self) -> None:
        """Read what is new."""
        self.history.extend(row if is_rewind(row) else wanted(row) for row in self._reader.poll())


def wanted(row: Row) -> Row:
    """What a comparison needs of a row."""
    return {name: row[name] for name in WANTED if name in row}


@dataclass(frozen=True)
class Comparison:
    """Runs at one look; all lists are in the order of `places`."""

    places: Sequence[int]
    """Of the runs, among markers and colours."""
    titles: Sequence[str]
    measured: Sequence[Measured]
    figures: Mapping[str, Sequence[str]]
    """By what they tell."""
    differences: Mapping[str, Sequence[str]] | None
    """Of the recipes, by key; None while they are unread."""
    budget: float
    """Steps at which the last of them ends, or has ended."""
    alive: bool
    """Whether any still runs."""
    read: float
    """Share of their histories that is read."""


class Comparing:
    """Reads some runs again and again."""

    def __init__(self, folders: Mapping[int, RunFolder]) -> None:
        """`folders`: of one runs folder, by their places among markers and colours."""
        self._folders = folders
        self._catalog = Catalog(next(iter(folders.values())).path.parent)
        self._measured = [Measured(folder) for folder in folders.values()]
        self._differences: Mapping[str, Sequence[str]] | None = None
        self._looks = 0

    def look(self) -> Comparison:
        """Read what is new since the last look; of long histories a part."""
        self._looks += 1
        folders = list(self._folders.values())
        if self._looks == 2:  # not at the first, which stands between a person and the first picture
            self._differences = read_differences(folders)
        self._read_measured()
        known = [self._catalog.look_at(folder) for folder in folders]
        ends = [one.line.budget if one.line.alive else one.line.step for one in known]
        columns = [figures(measured, one) for measured, one in zip(self._measured, known, strict=True)]
        rows = {name: [column[name] for column in columns] for name in columns[0]}
        if set(rows["return of"]) == {"transformer"}:
            del rows["return of"]
        return Comparison(
            places=list(self._folders),
            titles=distinct_titles(folders),
            measured=self._measured,
            figures=rows,
            differences=self._differences,
            budget=max(*ends, *(measured.history.step for measured in self._measured), 1.0),
            alive=any(one.line.alive for one in known),
            read=sum(measured.read for measured in self._measured) / len(self._measured),
        )

    def _read_measured(self) -> None:
        until = time.monotonic() + (READ_FOR if self._looks > 1 else 0)
        for measured in self._measured:
            measured.poll()
        while time.monotonic() < until and (unread := [one for one in self._measured if one.read < 1]):
            unread[0].poll()


def read_differences(folders: Sequence[RunFolder]) -> dict[str, list[str]]:
    """What differs in the recipes of runs, safe to show."""
    from acceltui.recipe.differences import side_by_side  # pydantic and yaml: 0.15 s
    from acceltui.recipe.errors import RecipeError
    from acceltui.recipe.resolved import load_resolved

    def recipes() -> Iterator[Any]:
        for folder in folders:
            try:
                yield load_resolved(folder.resolved)
            except (OSError, RecipeError):
                yield None

    return {clean(key): [clean(cell) for cell in cells] for key, cells in side_by_side(list(recipes())).items()}


def distinct_titles(folders: Sequence[RunFolder]) -> list[str]:
    """Titles; of runs that would have the same, with the end of their names."""
    titles = [run_title(folder.name) for folder in folders]
    return [
        f"{title} {folder.name[-4:]}" if titles.count(title) > 1 else title
        for title, folder in zip(titles, folders, strict=True)
    ]


def figures(measured: Measured, known: Known) -> dict[str, str]:
    """How far a run came."""
    run, progress, history = known.line, read_progress(known.status.progress), measured.history
    values = history.view(measured.metric())[1]
    values = values[np.isfinite(values)]
    best = progress.best_return
    if not math.isfinite(best) and len(values):
        best = float(values.max())
    return {
        "state": "GONE" if is_gone(run.folder) else run.state,
        "step": f"{run.step:,}",
        "return of": measured.metric().partition("/")[0],
        "best return": wording.value(best),
        "last return": wording.value(float(values[-1])) if len(values) else "-",
        "time of training": wording.duration(history.last(CLOCK)) if len(history.view(CLOCK)[0]) else "-",
        "environment steps": f"{progress.total_steps:,.0f}" if progress.total_steps else "-",
        "switch at step": "-" if progress.switch_step is None else f"{progress.switch_step:,.0f}",
    }


class Overlay:
    """What several runs have measured as one source of curves, each named by the run's place and what it shows."""

    def __init__(self, comparison: Comparison, seconds: bool) -> None:
        """`seconds`: over the time of training, not over steps."""
        self._seconds = seconds
        self._curves = {
            curve_name(place, title): (measured.history, measured.metric(title))
            for place, measured in zip(comparison.places, comparison.measured, strict=True)
            for title in MEASURES
        }
        shown = (metric for _, metric in self._curves.values())
        self.version = hash((seconds, *shown, *(one.history.version for one in comparison.measured)))

    def view(self, name: str) -> tuple[Floats, Floats]:
        """Where on the x axis, and the values there; two empty arrays for a place that no run has."""
        if name not in self._curves:
            return np.empty(0), np.empty(0)
        history, metric = self._curves[name]
        steps, values = history.view(metric)
        return history.seconds(steps) if self._seconds else steps, values


def curve_name(place: int, title: str) -> str:
    """Of one run's curve in an overlay."""
    return f"{place} {title}"
