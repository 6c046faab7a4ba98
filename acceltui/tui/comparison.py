"""Runs beside each other: their returns over steps or time, how far they came, what differs in their recipes. Knows no
widget."""

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
READ_FOR = 0.5
"""Seconds that one look at long histories takes at most."""


class Returns:
    """The returns of a run, and how long it had been trained for."""

    def __init__(self, folder: RunFolder) -> None:
        self._reader = MetricsReader(folder.metrics)
        self.history = History()

    @property
    def read(self) -> float:
        """Share of the metrics that is read."""
        return self._reader.share

    @property
    def metric(self) -> str:
        """The transformer's return, or the accelerator's where that is all there is."""
        known = [name for name in (TRANSFORMER, ACCELERATOR) if len(self.history.view(name)[0])]
        return known[0] if known else TRANSFORMER

    def poll(self) -> None:
        """Read what is new."""
        self.history.extend(row if is_rewind(row) else wanted(row) for row in self._reader.poll())


def wanted(row: Row) -> Row:
    """What a comparison needs of a row."""
    return {name: row[name] for name in ("step", "attempt", "time", TRANSFORMER, ACCELERATOR) if name in row}


@dataclass(frozen=True)
class Comparison:
    """Runs at one look; all lists are in the order of `places`."""

    places: Sequence[int]
    """Of the runs, among markers and colours."""
    titles: Sequence[str]
    returns: Sequence[Returns]
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
        self._returns = [Returns(folder) for folder in folders.values()]
        self._differences: Mapping[str, Sequence[str]] | None = None
        self._looks = 0

    def look(self) -> Comparison:
        """Read what is new since the last look; of long histories a part."""
        self._looks += 1
        folders = list(self._folders.values())
        if self._looks == 2:  # not at the first, which stands between a person and the first picture
            self._differences = read_differences(folders)
        self._read_returns()
        known = [self._catalog.look_at(folder) for folder in folders]
        ends = [one.line.budget if one.line.alive else one.line.step for one in known]
        columns = [figures(returns, one) for returns, one in zip(self._returns, known, strict=True)]
        rows = {name: [column[name] for column in columns] for name in columns[0]}
        if set(rows["return of"]) == {"transformer"}:
            del rows["return of"]
        return Comparison(
            places=list(self._folders),
            titles=distinct_titles(folders),
            returns=self._returns,
            figures=rows,
            differences=self._differences,
            budget=max(*ends, *(returns.history.step for returns in self._returns), 1.0),
            alive=any(one.line.alive for one in known),
            read=sum(returns.read for returns in self._returns) / len(self._returns),
        )

    def _read_returns(self) -> None:
        until = time.monotonic() + (READ_FOR if self._looks > 1 else 0)
        for returns in self._returns:
            returns.poll()
        while time.monotonic() < until and (unread := [one for one in self._returns if one.read < 1]):
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


def figures(returns: Returns, known: Known) -> dict[str, str]:
    """How far a run came."""
    run, progress, history = known.line, read_progress(known.status.progress), returns.history
    values = history.view(returns.metric)[1]
    values = values[np.isfinite(values)]
    best = progress.best_return
    if not math.isfinite(best) and len(values):
        best = float(values.max())
    return {
        "state": "GONE" if is_gone(run.folder) else run.state,
        "step": f"{run.step:,}",
        "return of": returns.metric.partition("/")[0],
        "best return": wording.value(best),
        "last return": wording.value(float(values[-1])) if len(values) else "-",
        "time of training": wording.duration(history.last(CLOCK)) if len(history.view(CLOCK)[0]) else "-",
        "environment steps": f"{progress.total_steps:,.0f}" if progress.total_steps else "-",
        "switch at step": "-" if progress.switch_step is None else f"{progress.switch_step:,.0f}",
    }


class Overlay:
    """The returns of several runs as one source of curves, each by its place among the markers."""

    def __init__(self, comparison: Comparison, seconds: bool) -> None:
        """`seconds`: over the time of training, not over steps."""
        self._seconds = seconds
        self._returns = dict(zip(map(str, comparison.places), comparison.returns, strict=True))
        self._metrics = {name: returns.metric for name, returns in self._returns.items()}
        self.version = hash((seconds, *self._metrics.values(), *(one.history.version for one in comparison.returns)))

    def view(self, name: str) -> tuple[Floats, Floats]:
        """Where on the x axis, and the returns there; two empty arrays for a place that no run has."""
        if name not in self._returns:
            return np.empty(0), np.empty(0)
        history = self._returns[name].history
        steps, values = history.view(self._metrics[name])
        return history.seconds(steps) if self._seconds else steps, values
