"""Results in groups by what their recipes say, task by task, and over all tasks."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from acceltui.recipe.differences import shown
from acceltui.recipe.errors import nearest
from acceltui.results import measures, statistics
from acceltui.results.measures import Reached
from acceltui.results.statistics import Estimate
from acceltui.runs.paths import RunError
from acceltui.runs.results import Result
from acceltui.runs.text import clean

ALIKE = 0.99
"""Trainings of which the shorter has this share of the longer's steps are of one length."""

Of = Literal["return", "success"]


@dataclass(frozen=True)
class Run:
    """One result's figures."""

    run: str
    seed: int
    why_not: str
    """Why it does not count; empty where it does."""
    end_return: float | None
    area: float | None
    dip: float | None
    lowest: float | None
    frozen: float | None
    reached: Reached | None
    """The reference's end return."""
    trained: int
    """Steps of training in all."""
    step_costs: Mapping[str, float]
    """CPU seconds a training step, by stage."""


@dataclass(frozen=True)
class Cell:
    """One group on one task: means over the runs that count."""

    task: str
    group: str
    runs: Sequence[Run]
    end_return: Estimate | None
    area: float | None
    dip: float | None
    lowest: float | None
    """Of all runs."""
    frozen: float | None
    reached: Reached | None
    """Mean of those that did."""
    reached_by: int
    cpu_share: float | None
    """CPU seconds of training until then, over those that the reference trained for in all."""
    step_costs: Mapping[str, float]
    """CPU seconds a training step, by stage: means over the runs that count."""

    @property
    def counted(self) -> list[Run]:
        """The runs that count."""
        return [run for run in self.runs if not run.why_not]


@dataclass(frozen=True)
class Across:
    """One group over all tasks."""

    group: str
    tasks: Sequence[str]
    """Those it has runs on that count, and on which the reference is better than random actions."""
    runs: int
    score: Estimate | None
    """Interquartile mean of end returns, with random actions at 0 and the reference at 1 on each task."""


@dataclass(frozen=True)
class Comparison:
    """Groups beside each other."""

    by: Sequence[str]
    """Keys of recipes."""
    reference: str
    groups: Sequence[str]
    cells: Sequence[Cell]
    across: Sequence[Across]
    notes: Sequence[str]
    """What a reader of the figures must know, a sentence each."""
    of: Of = "return"
    """What stands where returns are named."""


def label(result: Result, by: Sequence[str]) -> str:
    """The group that a result belongs to: the values of the keys, `-` where its recipe has no such key."""
    return clean(", ".join(shown(result.recipe[key]) if key in result.recipe else "-" for key in by))


def in_order(results: Sequence[Result], by: Sequence[str]) -> list[str]:
    """The groups, ordered by the first key's value, then the next; numbers by size, before words."""

    def place(result: Result) -> list[tuple[float, str]]:
        values = [result.recipe.get(key) for key in by]
        numbers = [value if isinstance(value, (int, float)) else math.inf for value in values]
        return [(number, shown(value)) for number, value in zip(numbers, values, strict=True)]

    return list(dict.fromkeys(label(result, by) for result in sorted(results, key=place)))


def compare(
    results: Sequence[Result], by: Sequence[str], reference: str | None = None, of: Of = "return"
) -> Comparison:
    """Compare groups of results, with the first result's for reference where none is named; RunError for a key that no
    recipe has, and a reference that is no group. Where `of` is `success`, they are results by `measures.by_success`."""
    check_keys(results, by)
    labels = [label(result, by) for result in results]
    groups, tasks = in_order(results, by), list(dict.fromkeys(result.task for result in results))
    chosen = labels[0] if reference is None else find_group(reference, groups)
    cells = []
    zeros: dict[str, tuple[float, float]] = {}
    for task in tasks:
        found = {
            group: judged(
                [result for result, own in zip(results, labels, strict=True) if (own, result.task) == (group, task)]
            )
            for group in groups
        }
        counted = [result for result, why in found[chosen] if not why]
        wanted = average(map(measures.end_return, counted))
        whole = average(result.cpu.get("training") for result in counted)
        zero = average(result.random_return for members in found.values() for result, _ in members)
        if wanted is not None and zero is not None and wanted > zero:
            zeros[task] = zero, wanted
        cells += [cell(task, group, members, wanted, whole) for group, members in found.items() if members]
    across = [over_tasks(group, cells, zeros) for group in groups]
    return Comparison(by, chosen, groups, cells, across, notes(cells, across, tasks, zeros), of)


def check_keys(results: Sequence[Result], by: Sequence[str]) -> None:
    """Refuse a key that no recipe has."""
    keys = list(dict.fromkeys(key for result in results for key in result.recipe))
    for key in by:
        if key not in keys:
            close = nearest(key, keys)
            hint = f" Did you mean {close}?" if close else ""
            raise RunError(f"None of these recipes has a key {clean(key)!r} to group by.{hint}")


def find_group(reference: str, groups: Sequence[str]) -> str:
    """The group of that name, however its numbers are written."""
    for group in groups:
        if reference.replace("_", "") == group.replace("_", ""):
            return group
    raise RunError(f"No group is called {clean(reference)!r}. There are: {'; '.join(groups)}.")


def why_not(result: Result) -> str:
    """Why a result does not count, in a clause; empty where it does."""
    if result.state != "FINISHED":
        return clean(result.state) + (f": {clean(result.error)}" if result.error else "")
    if measures.end_return(result) is None:
        return f"its last {measures.RECENT} evaluations are not all there, or not finite"
    return ""


def judged(results: Sequence[Result]) -> list[tuple[Result, str]]:
    """Results with why they do not count. One that repeats another, by its id, is no other run to draw from: only the
    first counts."""
    found: list[tuple[Result, str]] = []
    first: dict[str, str] = {}
    for result in results:
        why = why_not(result)
        if not why and (before := first.setdefault(result.id, result.run)) != result.run:
            why = f"it repeats {clean(before)}"
        found.append((result, why))
    return found


def cell(
    task: str, group: str, results: Sequence[tuple[Result, str]], wanted: float | None, whole: float | None
) -> Cell:
    """Figures of one group on one task; `wanted`: the end return of the reference, `whole`: its CPU seconds of training
    in all."""
    runs = [figures(result, why, wanted) for result, why in results]
    counted = [run for run in runs if not run.why_not]
    arrived = mean_of([run.reached for run in counted if run.reached is not None])
    cpu = arrived.cpu_training if arrived else None
    stages = dict.fromkeys(stage for run in counted for stage in run.step_costs)
    return Cell(
        task=task,
        group=group,
        runs=runs,
        end_return=statistics.estimate(
            [[run.end_return for run in counted if run.end_return is not None]], statistics.mean
        ),
        area=average(run.area for run in counted),
        dip=average(run.dip for run in counted),
        lowest=min((run.lowest for run in counted if run.lowest is not None), default=None),
        frozen=average(run.frozen for run in counted),
        reached=arrived,
        reached_by=sum(run.reached is not None for run in counted),
        cpu_share=cpu / whole if cpu is not None and whole else None,
        step_costs={
            stage: fmean(run.step_costs[stage] for run in counted if stage in run.step_costs) for stage in stages
        },
    )


def figures(result: Result, why: str, wanted: float | None) -> Run:
    """Of one result."""
    return Run(
        run=clean(result.run),
        seed=result.seed,
        why_not=why,
        end_return=measures.end_return(result),
        area=measures.area(result),
        dip=measures.dip(result),
        lowest=measures.lowest(result),
        frozen=measures.frozen(result),
        reached=None if wanted is None else measures.reached(result, wanted),
        trained=result.steps.get("training", 0),
        step_costs=measures.step_costs(result),
    )


def mean_of(arrived: Sequence[Reached]) -> Reached | None:
    """What was spent, on average; None where none has arrived."""
    if not arrived:
        return None
    return Reached(
        steps=fmean(one.steps for one in arrived),
        total_steps=average(one.total_steps for one in arrived),
        cpu_training=average(one.cpu_training for one in arrived),
        cpu=average(one.cpu for one in arrived),
    )


def average(values: Iterable[float | None]) -> float | None:
    """Mean of those that are known; None for none."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def over_tasks(group: str, cells: Sequence[Cell], zeros: dict[str, tuple[float, float]]) -> Across:
    """One group over all tasks that can be brought to one scale; `zeros`: the returns that are 0 and 1 there."""
    mine = {
        one.task: [run.end_return for run in one.counted if run.end_return is not None]
        for one in cells
        if one.group == group
    }
    scores = {task: statistics.normalised(ends, *zeros[task]) for task, ends in mine.items() if ends and task in zeros}
    return Across(group, list(scores), sum(map(len, scores.values())), statistics.estimate(list(scores.values())))


def notes(
    cells: Sequence[Cell], across: Sequence[Across], tasks: Sequence[str], zeros: dict[str, tuple[float, float]]
) -> list[str]:
    """What the figures leave out."""
    said = []
    for one in cells:
        where = f"{one.group} on {one.task}"
        said += [f"Not counted in {where}: {run.run} ({run.why_not})." for run in one.runs if run.why_not]
        seeds = [run.seed for run in one.counted]
        twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
        if twice:
            said.append(f"In {where} more than one run has seed {', '.join(map(str, twice))}.")
    for task in tasks:
        trained = [run.trained for one in cells if one.task == task for run in one.counted]
        if trained and min(trained) < ALIKE * max(trained):
            steps = f"{min(trained):,} to {max(trained):,} steps"
            said.append(
                f"On {task} runs were trained for {steps}: what they end with is not of one length of training."
            )
        if task not in zeros:
            said.append(
                f"{task} is left out of the means over tasks: the reference has no end return above random's there."
            )
    for group in across:
        if missing := [task for task in zeros if task not in group.tasks]:
            said.append(f"{group.group} has no run that counts on {', '.join(missing)}.")
    return said
