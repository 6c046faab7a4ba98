"""Learning curves in a terminal: the mean of each group over training steps, a small picture a task."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.style import Style
from rich.text import Text

from acceltui.results.groups import Of, label, why_not
from acceltui.results.plots import points, together
from acceltui.runs.results import Result
from acceltui.tui.glyphs import Glyphs, choose_glyphs
from acceltui.tui.palette import CURVES
from acceltui.tui.plot import axes, raster

WIDTH, HEIGHT, GUTTER = 64, 12, 8
"""Cells of the curves, and of the labels left of them."""
INKS = tuple(Style(color=style.color) for style in CURVES)
"""On whatever background the terminal has."""


def show(results: Sequence[Result], by: Sequence[str], of: Of) -> None:
    """Print the pictures of all tasks; none where there are more groups than colours."""
    groups = list(dict.fromkeys(label(result, by) for result in results))
    if len(groups) > len(INKS):
        return
    console, glyphs = Console(), choose_glyphs()
    for task in dict.fromkeys(result.task for result in results):
        found = {}
        for place, group in enumerate(groups):
            mine = [one for one in results if (one.task, label(one, by)) == (task, group) and not why_not(one)]
            if mine and len((mean := mean_of(mine))[0]):
                found[place] = mean
        if found:
            console.print(Text(f"\n{task}: {of} over training steps", "bold"))
            for line in picture(found, glyphs):
                console.print(line)
            legend = [Text(f"{glyphs.markers[place]} {groups[place]}", INKS[place]) for place in found]
            console.print(Text("   ").join([Text(" " * (GUTTER - 3)), *legend]))


def mean_of(results: Sequence[Result]) -> tuple[raster.Floats, raster.Floats]:
    """Steps, and the mean of the runs' returns there, where all are finite."""
    steps, returns = together([points(result, "steps") for result in results])
    means = returns.mean(axis=0)
    return steps[np.isfinite(means)], means[np.isfinite(means)]


def picture(curves: Mapping[int, tuple[raster.Floats, raster.Floats]], glyphs: Glyphs) -> list[Text]:
    """Curves by their place among markers and colours, as lines with labels at the left and below."""
    across = raster.DOTS[glyphs.raster][0]
    stop = max(float(steps[-1]) for steps, _ in curves.values())
    layers = []
    for steps, returns in curves.values():
        spans = raster.Spans(0.0, stop, WIDTH * across)
        spans.extend(steps, returns)
        layers.append(raster.Layer(spans.low, spans.high))
    every = np.concatenate([returns for _, returns in curves.values()])
    limits = axes.Limits().follow(float(every.min()), float(every.max()))
    cells = raster.draw(layers, limits, WIDTH, HEIGHT, glyphs.raster)
    characters, places = np.vectorize(chr)(cells.code), list(curves)
    for index, (place, (steps, returns)) in enumerate(curves.items()):
        if glyphs.raster == "ascii":
            characters[cells.owner == index] = glyphs.markers[place]
        row = raster.row_of(float(returns[-1]), limits, HEIGHT, glyphs.raster)
        column = min(int(steps[-1] / stop * WIDTH), WIDTH - 1)
        characters[row, column], cells.owner[row, column] = glyphs.markers[place], index
    step = axes.nice_step(limits[1] - limits[0], HEIGHT // 3)
    labels = {
        raster.row_of(tick, limits, HEIGHT, glyphs.raster): axes.label(tick, step)
        for tick in axes.ticks(*limits, HEIGHT // 3)
    }
    lines = []
    for row in range(HEIGHT):
        line = Text(f"{labels.get(row, ''):>{GUTTER - 2}} {glyphs.vertical}", no_wrap=True)
        for character, owner in zip(characters[row], cells.owner[row], strict=True):
            line.append(str(character), INKS[places[owner]] if owner >= 0 else None)
        lines.append(line)
    end = axes.label(stop)
    return [*lines, Text(" " * GUTTER + "0" + f"{end:>{WIDTH - 1}}")]
