"""The switch rules: when has the transformer learned enough from the accelerator?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from acceltui.recipe.schema import Plateau, Rule, Share

RECENT = 3
"""Evaluations whose mean `share` compares."""


@dataclass(frozen=True)
class Evaluated:
    """Mean returns of one evaluation, by metric name, at a training step."""

    step: int
    returns: dict[str, float]


@dataclass(frozen=True)
class Verdict:
    """Whether a rule fires, which part of it decided, and how far it is in words a person reads."""

    fires: bool
    name: str
    progress: str
    detail: str = ""


def judge(rule: Rule, step: int, history: Sequence[Evaluated], random: Mapping[str, float]) -> Verdict:
    """What `rule` says at `step` of all evaluations so far; `random` are the same metrics of random actions."""
    if rule.step is not None:
        detail = f"fires in {rule.step - step:,} steps" if step < rule.step else ""
        return Verdict(step >= rule.step, "step", f"step {min(step, rule.step):,}/{rule.step:,}", detail)
    if rule.plateau is not None:
        return judge_plateau(rule.plateau, history, random)
    if rule.share is not None:
        return judge_share(rule.share, step, history, random)
    parts = [judge(part, step, history, random) for part in rule.any or rule.all or []]
    fired = [part for part in parts if part.fires]
    fires = bool(fired) if rule.any else len(fired) == len(parts)
    joint = " or " if rule.any else " and "
    named = fired if fires else parts
    return Verdict(
        fires,
        joint.join(part.name for part in named),
        joint.join(part.progress for part in parts),
        "; ".join(part.detail for part in named if part.detail),
    )


def shown(value: float) -> str:
    """A return, or a share of success."""
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2f}"


def measured(metric: str) -> str:
    """`return` or `success`, whoever's."""
    return metric.rpartition("/")[2]


def metrics_named(rule: Rule | None) -> set[str]:
    """The metrics that a rule looks at."""
    if rule is None:
        return set()
    own: set[str] = {part.of for part in (rule.plateau, rule.share) if part is not None}
    return own.union(*(metrics_named(part) for part in rule.any or rule.all or []))


def steps_named(rule: Rule | None) -> list[int]:
    """Steps at which a rule may fire although nothing was evaluated."""
    if rule is None:
        return []
    own = [] if rule.step is None else [rule.step]
    return own + [step for part in rule.any or rule.all or [] for step in steps_named(part)]


def judge_plateau(rule: Plateau, history: Sequence[Evaluated], random: Mapping[str, float]) -> Verdict:
    """Fires when the best improved by less than `min_gain` of (best - random) for `patience` evaluations."""
    zero = random[f"random/{measured(rule.of)}"]
    considered = [entry for entry in history if entry.step >= rule.after and rule.of in entry.returns]
    best, reference, waited = -float("inf"), -float("inf"), 0
    for entry in considered:
        best = max(best, entry.returns[rule.of])
        # Measured from where the count began, so that many small gains together are a gain.
        if reference == -float("inf") or best - reference > rule.min_gain * max(best - zero, 0.0):
            reference, waited = best, 0
        else:
            waited += 1
    fires = waited >= rule.patience
    if considered:
        detail = f"best {rule.of} {shown(best)}, {waited} evaluations without a gain"
    else:
        detail = f"no evaluation from step {rule.after:,} on yet" if rule.after else "no evaluation yet"
    if considered and not fires:
        gain = gain_from(rule, reference, zero)
        detail += f"; fires after {rule.patience - waited} more"
        detail += f" that stay below {shown(gain)}" if math.isfinite(gain) else ""
    return Verdict(fires, "plateau", f"plateau {waited}/{rule.patience}", detail)


def gain_from(rule: Plateau, reference: float, zero: float) -> float:
    """What an evaluation must be above to be a gain over `reference`; random actions come to `zero`."""
    if reference < zero:
        return reference
    return (reference - rule.min_gain * zero) / (1 - rule.min_gain) if rule.min_gain < 1 else math.inf


def judge_share(rule: Share, step: int, history: Sequence[Evaluated], random: Mapping[str, float]) -> Verdict:
    """Fires when the transformer has reached its share of what the accelerator gained over random actions."""
    recent = history[-RECENT:]
    if len(recent) < RECENT:
        return Verdict(False, "share", f"share -/{rule.reach:g}", f"{len(recent)} of {RECENT} evaluations")
    metric = measured(rule.of)
    zero = random[f"random/{metric}"]
    transformer = sum(entry.returns[f"transformer/{metric}"] for entry in recent) / RECENT
    accelerator = sum(entry.returns[f"accelerator/{metric}"] for entry in recent) / RECENT
    if accelerator <= zero:
        detail = f"accelerator/{metric} {shown(accelerator)} is no better than random actions' {shown(zero)}"
        return Verdict(False, "share", f"share -/{rule.reach:g}", detail)
    share = (transformer - zero) / (accelerator - zero)
    fires = share >= rule.reach and step >= rule.after
    needed = zero + rule.reach * (accelerator - zero)
    detail = (
        f"{rule.of} {shown(transformer)} of {shown(needed)}, accelerator {shown(accelerator)}, random {shown(zero)}"
    )
    waits = f"; not before step {rule.after:,}" if step < rule.after else ""
    return Verdict(fires, "share", f"share {share:.2f}/{rule.reach:g}", detail + waits)
