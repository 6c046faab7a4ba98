"""Statistics of few runs on several tasks, as rliable defines them (Agarwal et al. 2021, arXiv 2108.13264).

Scores are given by task: of each task one value a run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Aggregate = Callable[..., Any]
"""Of an array over `axis`."""

REPETITIONS = 10_000
"""Bootstrap samples."""
CONFIDENCE = 0.95
SEED = 0
"""The same results give the same intervals."""


@dataclass(frozen=True)
class Estimate:
    """A value, and the ends of its interval; None where a task has one run alone, which says nothing of others."""

    value: float
    low: float | None
    high: float | None


def normalised(scores: Sequence[float], random: float, reference: float) -> list[float]:
    """Returns of one task with `random` at 0 and `reference`, which is larger, at 1."""
    return [(score - random) / (reference - random) for score in scores]


def interquartile_mean(scores: Floats, axis: int | None = None) -> Any:
    """Mean of the middle half: of n scores the int(n / 4) lowest and as many of the highest are left out."""
    from scipy.stats import trim_mean  # 0.5 s

    return trim_mean(scores, 0.25, axis=axis)


def mean(scores: Floats, axis: int | None = None) -> Any:
    """The mean."""
    return np.mean(scores, axis=axis)


def estimate(tasks: Sequence[Sequence[float]], aggregate: Aggregate = interquartile_mean) -> Estimate | None:
    """`aggregate` over the runs of all tasks together, and its percentile bootstrap interval of CONFIDENCE: runs are
    drawn with replacement among those of the same task. None where there is no run."""
    strata = [np.asarray(scores, float) for scores in tasks if len(scores)]
    if not strata:
        return None
    value = float(aggregate(np.concatenate(strata), axis=0))
    if min(map(len, strata)) < 2:
        return Estimate(value, None, None)
    generator = np.random.default_rng(SEED)
    drawn = [scores[generator.integers(len(scores), size=(REPETITIONS, len(scores)))] for scores in strata]
    sampled = aggregate(np.concatenate(drawn, axis=1), axis=1)  # (REPETITIONS,)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(sampled, [tail, 1 - tail])
    return Estimate(value, float(low), float(high))
