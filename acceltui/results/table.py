"""Figures as text: columns of single runs, tables of groups, and those as Markdown."""

import math
from collections.abc import Mapping, Sequence

from acceltui.results import measures
from acceltui.results.groups import Across, Cell, Comparison
from acceltui.results.measures import AFTER_SWITCH, RECENT, Reached
from acceltui.results.statistics import CONFIDENCE, Estimate
from acceltui.runs import wording
from acceltui.runs.results import Result

Rows = list[list[str]]
"""The first is the heading; all of one length."""

ENOUGH = 5
"""Runs from which on a bootstrap interval is worth its name."""
RAW = (
    *("task", "group", "runs", "counted", "end_return", "low", "high", "area", "dip", "frozen"),
    *("steps", "total_steps", "cpu_training", "cpu", "reached_by", "cpu_share"),
    *("step_cpu_accelerate", "step_cpu_online", "lowest"),
)
"""Columns for scripts."""


def numbers(result: Result) -> dict[str, float | int | None]:
    """What is measured of one run, for scripts."""
    return {
        "end_return": measures.end_return(result),
        "area": measures.area(result),
        "dip": measures.dip(result),
        "lowest": measures.lowest(result),
        "frozen": measures.frozen(result),
        "cpu_training": result.cpu.get("training"),
        "cpu_evaluation": result.cpu.get("evaluation"),
    }


def measured(result: Result) -> dict[str, str]:
    """The same, for people."""
    return {title: say(number) for (title, say), number in zip(MEASURED.items(), numbers(result).values(), strict=True)}


def kept(result: Result) -> dict[str, str]:
    """How far a run came of which there is a result alone."""
    returns = [one for one in measures.curve(result).returns.tolist() if math.isfinite(one)]
    return {
        "state": result.state,
        "step": f"{result.steps.get('training', 0):,}",
        "return of": measures.counting(result),
        "best return": value(max(returns, default=None)),
        "last return": value(returns[-1] if returns else None),
        "time of training": "-",
        "environment steps": f"{result.steps.get('total', 0):,}",
        "switch at step": "-" if result.switch_step is None else f"{result.switch_step:,}",
    }


def tasks(comparison: Comparison) -> Rows:
    """A row for each group on each task."""
    by = ", ".join(comparison.by)
    heading = ["task", by, "runs", f"end {comparison.of}", f"mean {comparison.of}", "kept after switch", "frozen"]
    heading += [f"steps to {comparison.reference}", "all steps", "CPU", "all CPU", "CPU a step"]
    return [heading, *([one.task, one.group, *cells(one)] for one in comparison.cells)]


def cells(one: Cell) -> list[str]:
    """A group's figures on a task."""
    counted, there = len(one.counted), one.reached or Reached(math.nan, None, None, None)
    runs = str(counted) if counted == len(one.runs) else f"{counted} of {len(one.runs)}"
    some = f" ({one.reached_by} of {counted})" if 0 < one.reached_by < counted else ""
    return [
        runs,
        interval(one.end_return),
        value(one.area),
        share(one.dip) + ("" if one.lowest is None else f" ({one.lowest:.0%})"),
        share(one.frozen),
        count(there.steps) + some,
        count(there.total_steps),
        duration(there.cpu_training) + ("" if one.cpu_share is None else f" ({one.cpu_share:.2f})"),
        duration(there.cpu),
        cost(one.step_costs),
    ]


def scores(comparison: Comparison) -> Rows:
    """A row for each group over all tasks."""
    heading = [", ".join(comparison.by), "tasks", "runs", "interquartile mean"]
    return [
        heading,
        *([one.group, str(len(one.tasks)), str(one.runs), interval(one.score)] for one in comparison.across),
    ]


def raw(comparison: Comparison) -> list[list[object]]:
    """Both for scripts, as numbers: RAW, where the task `*` is all of them and the end return there the score."""
    return [list(RAW), *map(raw_cell, comparison.cells), *map(raw_score, comparison.across)]


def raw_cell(one: Cell) -> list[object]:
    """A group on a task."""
    there = one.reached
    spent = (there.steps, there.total_steps, there.cpu_training, there.cpu) if there else (None,) * 4
    figures = (*ends(one.end_return), one.area, one.dip, one.frozen, *spent, one.reached_by)
    costs = (one.step_costs.get(stage) for stage in ("accelerate", "online"))
    return [one.task, one.group, len(one.runs), len(one.counted), *figures, one.cpu_share, *costs, one.lowest]


def raw_score(one: Across) -> list[object]:
    """A group over all tasks."""
    found: list[object] = ["*", one.group, one.runs, one.runs, *ends(one.score)]
    return found + [None] * (len(RAW) - len(found))


def ends(found: Estimate | None) -> tuple[float | None, ...]:
    """Value, low, high."""
    return (found.value, found.low, found.high) if found else (None, None, None)


def explained(comparison: Comparison) -> list[str]:
    """What the columns are, and what the figures leave out; a sentence each."""
    reference, percent, of = comparison.reference, f"{100 * CONFIDENCE:g}%", comparison.of
    few = f"Of fewer than {ENOUGH} runs an interval is little more than their range, and misses the mean more often."
    return [
        f"end {of}: mean over runs of the last {RECENT} evaluations [{percent} percentile bootstrap interval]; "
        f"mean {of}: over all of training, from the random policy's; kept after switch: of what had been gained "
        f"over random actions, on average over the {AFTER_SWITCH:,} steps after the switch (by the lowest evaluation "
        "of all runs in them); frozen: the same of the transformer as it was at the switch.",
        f"steps to {reference}: training steps until {RECENT} successive evaluations come to the end {of} of "
        f"{reference}; all steps: with evaluation and cloning; CPU: of training (over that of {reference} in all); all "
        "CPU: with evaluation; CPU a step: of training, on average over each stage.",
        f"interquartile mean: of the end {of} over runs and tasks, random actions at 0 and the mean of "
        f"{reference} at 1 on each task [{percent} bootstrap interval, runs drawn task by task].",
        *([few] if any(1 < len(one.counted) < ENOUGH for one in comparison.cells) else []),
        *comparison.notes,
    ]


def markdown(comparison: Comparison) -> str:
    """The whole comparison."""
    parts = [pipes(tasks(comparison)), pipes(scores(comparison)), *map(escaped, explained(comparison))]
    return "\n\n".join(parts) + "\n"


def pipes(rows: Rows) -> str:
    """A table in Markdown."""
    heading, *others = ([escaped(text) for text in row] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *others))


def escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{one}" if one in "\\`*_[]<>|#" else one for one in text)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of columns of one width each."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def value(number: float | None) -> str:
    """A return."""
    return wording.value(math.nan if number is None else number)


def share(number: float | None) -> str:
    """Of a whole."""
    return "-" if number is None else f"{number:.0%}"


def count(number: float | None) -> str:
    """Steps."""
    return "-" if number is None or math.isnan(number) else f"{number:,.0f}"


def duration(seconds: float | None) -> str:
    """A time."""
    return "-" if seconds is None else wording.duration(seconds)


def cost(by_stage: Mapping[str, float]) -> str:
    """CPU time a step, stage by stage."""
    return " / ".join(f"{1000 * seconds:.1f}" for seconds in by_stage.values()) + " ms" if by_stage else "-"


def interval(found: Estimate | None) -> str:
    """A value and its interval."""
    if found is None:
        return "-"
    ends = "" if found.low is None else f" [{value(found.low)} to {value(found.high)}]"
    return value(found.value) + ends


MEASURED = {
    "end return": value,
    "mean return": value,
    "kept after switch": share,
    "lowest of it": share,
    "frozen": share,
    "CPU of training": duration,
    "CPU of evaluation": duration,
}
"""How people are told `numbers`, in their order."""
