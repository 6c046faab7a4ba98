"""What is measured of one result.

A return is the mean return of an evaluation's episodes. Steps are environment steps, CPU times seconds of the engine
and its children over all attempts. The policy that counts is the transformer, or the accelerator where the method is
`accelerator`. None is what cannot be had: too few evaluations, one that was not finite, a return never reached, no
switch.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from acceltui.runs.progress import as_number
from acceltui.runs.results import RECENT, Result

Floats = NDArray[np.float64]

AFTER_SWITCH = 20_000
"""Training steps after the switch in which a dip is looked for."""


@dataclass(frozen=True)
class Curve:
    """The evaluations of the policy that counts, arrays of one length, by training step; NaN is what is unknown."""

    steps: Floats
    """Training steps so far."""
    returns: Floats
    total_steps: Floats
    """With those of evaluation and cloning rollouts."""
    cpu_training: Floats
    """Without that of evaluations."""
    cpu: Floats
    """All."""
    stages: tuple[str, ...]
    """In which each was made."""


@dataclass(frozen=True)
class Reached:
    """What had been spent when a return was reached."""

    steps: float
    """Of training."""
    total_steps: float | None
    """With those of evaluation and cloning rollouts."""
    cpu_training: float | None
    """Seconds, without those of evaluations."""
    cpu: float | None
    """Seconds, all."""


def counting(result: Result) -> str:
    """The policy that counts."""
    return "accelerator" if result.method == "accelerator" else "transformer"


def curve(result: Result) -> Curve:
    """The evaluations that count."""
    policy = counting(result)
    rows = [row for row in result.evaluations if policy in row and as_number(row.get("step")) is not None]

    def column(name: str) -> Floats:
        return np.array([np.nan if (value := as_number(row.get(name))) is None else value for row in rows], float)

    cpu = column("cpu")
    stages = tuple(str(row.get("stage") or "") for row in rows)
    return Curve(column("step"), column(policy), column("steps_total"), cpu - column("cpu_evaluation"), cpu, stages)


def by_success(result: Result) -> Result:
    """The same with the share of an evaluation's episodes that succeed in the place of their mean return: where success
    ends an episode, a return says little."""
    policy = counting(result)
    rows = [{key: value for key, value in row.items() if key != policy} for row in result.evaluations]
    for row in rows:
        if f"{policy}_success" in row:
            row[policy] = row[f"{policy}_success"]
    return replace(result, evaluations=rows, random_return=result.random_success)


def end_return(result: Result) -> float | None:
    """Mean return of the last RECENT evaluations."""
    returns = curve(result).returns
    return known(returns[-RECENT:].mean()) if len(returns) >= RECENT else None


def reached(result: Result, wanted: float) -> Reached | None:
    """What had been spent at the last of the first RECENT successive evaluations whose mean return is at least
    `wanted`; None where there are none such."""
    found = curve(result)
    if len(found.returns) < RECENT:
        return None
    enough = np.flatnonzero(sliding_window_view(found.returns, RECENT).mean(axis=1) >= wanted)
    if not len(enough):
        return None
    at = int(enough[0]) + RECENT - 1
    spent = (known(values[at]) for values in (found.total_steps, found.cpu_training, found.cpu))
    return Reached(float(found.steps[at]), *spent)


def area(result: Result) -> float | None:
    """Area under the returns over training steps, by trapezoids from the random policy's return at step 0 to the last
    evaluation, divided by those steps: a mean return over the whole of training."""
    found = curve(result)
    if result.random_return is None or not len(found.steps) or found.steps[-1] <= 0:
        return None
    steps, returns = from_random(found.steps, found.returns, result.random_return)
    return known((np.diff(steps) * (returns[1:] + returns[:-1]) / 2).sum() / steps[-1])


def from_random(x: Floats, returns: Floats, random: float) -> tuple[Floats, Floats]:
    """A curve that begins where nothing was spent yet, at the random policy's return."""
    return np.concatenate([[0.0], x]), np.concatenate([[random], returns])


def dip(result: Result) -> float | None:
    """What was kept in the AFTER_SWITCH training steps after the switch: the mean return of the evaluations in them
    over the mean of the last RECENT at or before the switch, both measured from the random policy's return. 1 is no
    dip, 0 is all that was gained. None also where nothing had been gained."""
    return share_kept(result, after_switch(result))


def lowest(result: Result) -> float | None:
    """As `dip`, of the lowest evaluation in those steps: what is learned after a fall hides it in their mean."""
    later = after_switch(result)
    return share_kept(result, later.min(keepdims=True)) if len(later) else None


def after_switch(result: Result) -> Floats:
    """The returns of the evaluations in the AFTER_SWITCH training steps after the switch."""
    found, step = curve(result), result.switch_step
    return (
        found.returns[:0]
        if step is None
        else found.returns[(found.steps > step) & (found.steps <= step + AFTER_SWITCH)]
    )


def frozen(result: Result) -> float | None:
    """What would have been kept had the transformer stayed as it was at the switch: as `dip`, of its evaluation at the
    switch, which begins from the same states as all others. It differs from 1 by chance, and is above 1 where returns
    rose over the evaluations before the switch."""
    found = curve(result)
    return share_kept(result, found.returns[found.steps == result.switch_step])


def step_costs(result: Result) -> dict[str, float]:
    """CPU seconds of training that a step of each stage took, on average over all up to the last evaluation in it; a
    stage of which that is unknown is left out."""
    found = curve(result)
    spent, taken = np.diff(found.cpu_training, prepend=0.0), np.diff(found.steps, prepend=0.0)
    costs = {}
    for stage in dict.fromkeys(found.stages):
        own = np.array([one == stage for one in found.stages])
        steps, cost = taken[own].sum(), known(spent[own].sum())
        if steps > 0 and cost is not None:
            costs[stage] = cost / steps
    return costs


def share_kept(result: Result, later: Floats) -> float | None:
    """The mean of some returns over that of the last RECENT at or before the switch, both from random actions'."""
    found, random = curve(result), result.random_return
    if result.switch_step is None:
        return None
    before = found.returns[found.steps <= result.switch_step][-RECENT:]
    if random is None or len(before) < RECENT or not len(later):
        return None
    gained = before.mean() - random
    return known((later.mean() - random) / gained) if gained > 0 else None


def known(value: float) -> float | None:
    """A plain number; None for what is not finite."""
    return float(value) if np.isfinite(value) else None
