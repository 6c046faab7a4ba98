"""Whether a run is well, in words: what does not hold it up, and yet is likely a mistake or a waste.

A false alarm is worse than none: each check waits until it is sure, and lets go later than it began.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from acceltui.engine.switch import RECENT, Evaluated
from acceltui.recipe.schema import PPO, SAC, Recipe
from acceltui.runs import wording


@dataclass(frozen=True)
class Seen:
    """A run at one row of its metrics."""

    stage: str
    step: int
    values: Mapping[str, float]
    """Of this row."""
    latest: Mapping[str, float] = field(default_factory=dict)
    """Newest value of each metric."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """That each part of the run has taken in this attempt."""
    evaluations: Sequence[Evaluated] = ()
    """Those at their regular steps."""
    random: Mapping[str, float] = field(default_factory=dict)
    """What random actions come to."""
    largest_reward: float = 0.0
    """Of those in the replay, by absolute value."""
    longest: int = 0
    """Steps that an episode in the replay is known to have."""
    room: int = 0
    """Transitions that the replay keeps of each environment."""


class Check(Protocol):
    """One thing that may be wrong."""

    def __call__(self, seen: Seen) -> str:
        """A sentence while it is, else nothing; asked once a row."""


class Health:
    """All that is wrong now, the gravest first."""

    def __init__(self, recipe: Recipe) -> None:
        self._checks: dict[str, Check] = {
            "values": ValuesDiverge(recipe),
            "replay": ReplayTooSmall(recipe),
            "cloning": CloningFlat(recipe),
            "evaluation": EvaluationCosts(recipe),
        }
        self._told: set[tuple[str, str]] = set()
        self.sentences: list[str] = []

    def look(self, seen: Seen) -> dict[str, str]:
        """What begins to be wrong with this row, by the check's name: at most once a stage."""
        wrong = {name: sentence for name, check in self._checks.items() if (sentence := check(seen))}
        self.sentences = list(wrong.values())
        new = {name: sentence for name, sentence in wrong.items() if (seen.stage, name) not in self._told}
        self._told |= {(seen.stage, name) for name in new}
        return new


class ValuesDiverge:
    """No return can be larger than the largest reward of all, at every step for ever."""

    BEYOND = 3.0
    """Times that, at so many rows one after the other; it ends at once that."""
    ROWS = 5

    def __init__(self, recipe: Recipe) -> None:
        sections = recipe.algorithm, recipe.online_algorithm
        # Values that the critic learned at one stage's discount it still has for a while at the other's.
        self._discount = max(section.discount for section in sections)
        soft = recipe.algorithm if isinstance(recipe.algorithm, SAC) else None
        self._what = "rewards with entropy" if soft else "rewards"
        self._coefficient = soft.entropy.start if soft else 0.0
        self._largest, self._rows, self._wrong = 0.0, 0, False

    def __call__(self, seen: Seen) -> str:
        # Soft values hold a reward for entropy beside that of the environment.
        entropy = seen.values.get("entropy/coefficient", self._coefficient) * seen.values.get("entropy/policy", 0.0)
        reward = seen.largest_reward + abs(entropy)
        if math.isfinite(reward):
            self._largest = max(self._largest, reward)
        value = seen.latest.get("value/mean", math.nan)
        justified = self._largest / (1 - self._discount)
        if "value/mean" in seen.values:
            self._rows = self._rows + 1 if abs(value) > self.BEYOND * justified > 0 else 0
            self._wrong = self._rows >= self.ROWS or (self._wrong and abs(value) > justified)
        if not self._wrong:
            return ""
        return (
            f"the critic diverges: its values average {wording.value(value)}, and {self._what} of at most "
            f"{wording.value(self._largest)} a step justify {wording.value(justified)}: lower algorithm.learning_rate"
        )


class ReplayTooSmall:
    """A replay that forgets an episode's beginning before its end has only a part of what happens."""

    def __init__(self, recipe: Recipe) -> None:
        self._keys = {"accelerate": ("accelerator.replay", recipe.accelerator.replay)}
        self._keys["online"] = ("online.replay", recipe.online.replay)
        self._rollouts = isinstance(recipe.algorithm, PPO)  # which are shorter than an episode as a rule
        self._longest = 0

    def __call__(self, seen: Seen) -> str:
        self._longest = max(self._longest, seen.longest)
        if self._rollouts or self._longest <= seen.room:
            return ""
        key, now = self._keys[seen.stage]
        return (
            f"the replay keeps {seen.room:,} transitions of each environment, fewer than an episode of "
            f"{self._longest:,} steps has: raise {key}, now {now:,}"
        )


class CloningFlat:
    """The loss alone does not tell: where the transformer keeps up with the accelerator, it stays as it is too.

    So it is wrong where the loss has no new low for long, and the returns say that there is much left to be learned.
    """

    SHARE, ENDS = 0.5, 0.6
    """Of what the accelerator gained over random actions."""

    def __init__(self, recipe: Recipe) -> None:
        self._window = max(5 * recipe.evaluation.every, recipe.accelerator.steps // 5)
        self._updates = recipe.clone.updates_per_step
        self._recent: deque[tuple[int, float]] = deque()
        self._low = (0, math.inf)
        """Step and value of the lowest loss before the recent ones."""
        self._wrong = False

    def __call__(self, seen: Seen) -> str:
        loss = seen.values.get("loss/clone", math.nan)
        if seen.stage != "accelerate":
            return ""
        if math.isfinite(loss):
            self._recent.append((seen.step, loss))
        while self._recent and self._recent[0][0] <= seen.step - self._window:
            self._low = min(self._low, self._recent.popleft(), key=lambda entry: entry[1])
        flat = min((entry[1] for entry in self._recent), default=-math.inf) >= self._low[1]
        share = self._share(seen)
        self._wrong = flat and share < (self.ENDS if self._wrong else self.SHARE)
        if not self._wrong:
            return ""
        step, low = self._low
        return (
            f"the cloning loss is flat: {self._recent[-1][1]:.3g}, no new low since {low:.3g} at step {step:,}, and "
            f"the transformer has {share:.0%} of the accelerator's gain: raise clone.updates_per_step, now "
            f"{self._updates:g}"
        )

    def _share(self, seen: Seen) -> float:
        """What the transformer has of the accelerator's gain; 1 where that is too little to tell."""
        recent = seen.evaluations[-RECENT:]
        zero = seen.random.get("random/return", math.nan)
        if len(recent) < RECENT:
            return 1.0
        means = {
            name: sum(entry.returns.get(f"{name}/return", math.nan) for entry in recent) / RECENT
            for name in ("transformer", "accelerator")
        }
        gain = means["accelerator"] - zero
        if not gain > max(seen.latest.get("accelerator/std", math.inf), 0.0):
            return 1.0
        share = (means["transformer"] - zero) / gain
        return share if math.isfinite(share) else 1.0


class EvaluationCosts:
    """Over the last evaluations and what lay between them, pauses left out."""

    HALF, ENDS = 0.5, 0.4
    PERIODS = 3
    SECONDS = 60.0
    """Of what takes less than this together, nobody minds a half."""

    def __init__(self, recipe: Recipe) -> None:
        self._section = recipe.evaluation
        self._learns, self._known = False, 0
        self._marks: deque[tuple[float, float]] = deque(maxlen=self.PERIODS + 1)
        """Seconds of evaluation, and of all that is not idle, at the first row after an evaluation."""
        self._wrong, self._share = False, 0.0

    def __call__(self, seen: Seen) -> str:
        # Random actions at the start cost next to nothing: beside them every evaluation takes long.
        self._learns = self._learns or "loss/critic" in seen.values
        if self._learns and len(seen.evaluations) > self._known:
            evaluation = seen.seconds["evaluation"]
            self._marks.append((evaluation, sum(seen.seconds.values()) - seen.seconds["idle"]))
            self._judge()
        self._known = len(seen.evaluations)
        if not self._wrong:
            return ""
        every, episodes = self._section.every, self._section.episodes
        return (
            f"evaluation takes {self._share:.0%} of the time: raise evaluation.every, now {every:,}, or lower "
            f"evaluation.episodes, now {episodes:,}"
        )

    def _judge(self) -> None:
        if len(self._marks) <= self.PERIODS:
            return
        (evaluated, began), (evaluation, ended) = self._marks[0], self._marks[-1]
        whole = ended - began
        self._share = (evaluation - evaluated) / whole if whole > 0 else 0.0
        self._wrong = whole >= self.SECONDS and self._share >= (self.ENDS if self._wrong else self.HALF)
