"""What the plots of a run can show: views made by hand, and behind these all else that was measured."""

from collections.abc import Iterable

from acceltui.runs.text import clean
from acceltui.tui.plot.look import View
from acceltui.tui.plot.traces import Curve

ACTORS = ("accelerator", "transformer")
VIEWS = {
    "return": (
        View("Return", tuple(Curve(f"{who}/return", who, deviation=f"{who}/std") for who in ACTORS)),
        View("Success", tuple(Curve(f"{who}/success", who) for who in ACTORS)),
    ),
    "losses": (
        View("Losses", (Curve("loss/critic", "critic"), Curve("loss/actor", "actor"))),
        View("Gradient norms", tuple(Curve(f"grad/{name}", name) for name in ("critic", "actor", "clone")), log_y=True),
        View("Values", (Curve("value/mean", "mean"),)),
        View("Entropy", (Curve("entropy/policy", "policy"), Curve("entropy/coefficient", "coefficient"))),
    ),
    "cloning": (View("Cloning loss", (Curve("loss/clone", "clone"),), log_y=True),),
}
"""What each plot can show by itself."""
SHOWN = {
    name
    for views in VIEWS.values()
    for view in views
    for curve in view.curves
    for name in (curve.metric, curve.deviation)
}
TITLES = {
    "speed": "Speed, a second",
    "speed/share": "Shares of the time",
    "time": "CPU seconds",
    "steps": "Environment steps",
    "replay": "Replay",
    "windows": "Windows to clone",
    "machine/cpu": "Machine: cpu %",
    "machine": "Machine: bytes",
    "env": "Environment",
    "loss": "Other losses",
    "policy": "Policy",
    "transformer": "Transformer",
    "accelerator": "Accelerator",
    "random": "Random policy",
}
"""Views of what else is measured, by what its names begin with, in this order; a whole name is a view of its own."""
MOST_CURVES = 8
"""Of a view: as many as there are markers. Further ones are in the next."""
LONGEST_TITLE, LONGEST_LABEL = 24, 20


def other_views(names: Iterable[str]) -> list[View]:
    """Views of the metrics that no plot shows by itself, one for all that are named alike up to the last slash."""
    groups: dict[str, list[str]] = {}
    for name in sorted({*names} - SHOWN):
        groups.setdefault(name if name in TITLES else name.rpartition("/")[0], []).append(name)
    known = [group for group in TITLES if group in groups]
    return [view for group in (*known, *sorted(groups.keys() - TITLES.keys())) for view in _views(group, groups[group])]


def _views(group: str, names: list[str]) -> list[View]:
    title = TITLES.get(group) or _short(group, LONGEST_TITLE) or "Other metrics"
    curves = [Curve(name, _short(name.rpartition("/")[2], LONGEST_LABEL) or "?") for name in names]
    parts = [tuple(curves[first : first + MOST_CURVES]) for first in range(0, len(curves), MOST_CURVES)]
    return [View(f"{title} ({number})" if number > 1 else title, part) for number, part in enumerate(parts, start=1)]


def _short(text: str, most: int) -> str:
    """Safe to show; anyone may have written it."""
    return clean(text).strip()[:most]
