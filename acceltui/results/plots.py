"""Learning curves as pictures: for each task one over training steps and one over CPU seconds."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from acceltui.results.groups import Of, label, why_not
from acceltui.results.measures import Curve, Floats, curve, from_random
from acceltui.runs.paths import RunError
from acceltui.runs.results import Result

COLORS = ("#1a69b8", "#b4620a", "#857200", "#8b479d", "#17806f", "#b5365d", "#566371", "#775f3d")
"""The dashboard's on a light background. Line styles tell groups apart for every kind of eye."""
STYLES = ("-", "--", "-.", ":")
AXES = {"steps": "training steps", "cpu": "CPU seconds of training"}
"""What curves are drawn over, by the end of the file's name."""
SWITCH = "D"
"""matplotlib's diamond."""
INCHES, DOTS = (7.0, 4.2), 150


def draw(results: Sequence[Result], by: Sequence[str], folder: Path, of: Of = "return") -> list[Path]:
    """Write the pictures of all tasks into a folder that is there; gives the files. What has nothing to show is left
    out. RunError where matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise RunError("Pictures need matplotlib, which is not installed: `pip install 'acceltui[plots]'`.") from None
    groups = list(dict.fromkeys(label(result, by) for result in results))
    files = []
    for number, task in enumerate(dict.fromkeys(result.task for result in results), 1):
        for end, title in AXES.items():
            figure = Figure(figsize=INCHES, layout="constrained")
            FigureCanvasAgg(figure)
            axes = figure.add_subplot()
            for place, group in enumerate(groups):
                members = [one for one in results if (one.task, label(one, by)) == (task, group)]
                draw_group(axes, members, group, place, end)
            if any(line.get_marker() == SWITCH for line in axes.lines):
                axes.plot([], [], SWITCH, color="#566371", markersize=4, label="switch")
            if axes.lines:
                axes.set(title=plain(task), xlabel=title, ylabel=of)
                axes.grid(color="#dce2e8", linewidth=0.6)
                axes.legend(frameon=False, fontsize="small")
                files.append(folder / f"{number}-{slug(task)}-{end}.png")
                figure.savefig(files[-1], dpi=DOTS, metadata={"Software": None})
    return files


def draw_group(axes: Any, results: Sequence[Result], group: str, place: int, over: str) -> None:
    """Each run as a thin line, dotted where it does not count, a diamond at its switch; the mean of those that count as
    a thick one in a band from the lowest to the highest."""
    color, style = COLORS[place % len(COLORS)], STYLES[place % len(STYLES)]
    there = [(result, *points(result, over)) for result in results]
    there = [(result, x, returns) for result, x, returns in there if len(x)]
    counted = []
    for result, x, returns in there:
        counts = not why_not(result)
        counted += [(x, returns)] if counts else []
        axes.plot(x, returns, color=color, linewidth=0.7, alpha=0.5, linestyle="-" if counts else ":")
        at = switch_at(result, over)
        if at is not None:
            axes.plot(at, np.interp(at, x, returns), SWITCH, color=color, markersize=4)
    name = f"{plain(group)} ({len(counted)})"
    if there and not counted:
        axes.plot([], [], color=color, linewidth=0.7, linestyle=":", label=name)
    if counted:
        x, runs = together(counted)
        axes.plot(x, runs.mean(axis=0), color=color, linewidth=2, linestyle=style, label=name)
        axes.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.15, linewidth=0)


def points(result: Result, over: str) -> tuple[Floats, Floats]:
    """Where on the x axis, and the returns there, from the random policy's on; empty where the x axis is unknown."""
    found = curve(result)
    x = spent(found, over)
    if not np.isfinite(x).all():
        return np.empty(0), np.empty(0)
    if result.random_return is None or not len(x):
        return x, found.returns
    return from_random(x, found.returns, result.random_return)


def spent(found: Curve, over: str) -> Floats:
    """The x axis of a curve."""
    return found.steps if over == "steps" else found.cpu_training


def together(curves: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Curves at common places of the x axis, where all of them are: x, and (curves, x)."""
    first, last = max(x[0] for x, _ in curves), min(x[-1] for x, _ in curves)
    at = np.unique(np.concatenate([x for x, _ in curves]))
    at = at[(at >= first) & (at <= last)]
    return at, np.stack([np.interp(at, x, returns) for x, returns in curves])


def switch_at(result: Result, over: str) -> float | None:
    """Where on the x axis a run switched; None where it has not."""
    if result.switch_step is None:
        return None
    found = curve(result)
    return float(np.interp(result.switch_step, found.steps, spent(found, over)))


def slug(task: str) -> str:
    """A task's name as part of a file's."""
    return re.sub(r"[^A-Za-z0-9]+", "-", task).strip("-")[:80]


def plain(text: str) -> str:
    """Text in which matplotlib finds no formula."""
    return text.replace("$", r"\$")
