"""`status.progress` with types: what an engine of any version wrote there, as far as it can be used."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from acceltui.runs.status import LARGEST
from acceltui.runs.text import clean

PARTS = ("environment", "update", "cloning", "evaluation", "saving", "idle")
"""What a run spends its time on; `idle` is none of the others: pauses, building, writing rows."""
MOST_SENTENCES, LONGEST_SENTENCE = 5, 200


@dataclass(frozen=True)
class Amount:
    """So many of so many."""

    size: float = 0.0
    of: float = 0.0


@dataclass(frozen=True)
class CheckpointFact:
    """The newest checkpoint."""

    step: float
    time: float


@dataclass(frozen=True)
class Progress:
    """How far a run is and how it goes. Steps are environment steps, sizes transitions or bytes, times seconds."""

    accelerate: Amount
    online: Amount
    eta_s: float | None
    switch_step: float | None
    rule: str
    """How far the switch rule is, in a few words."""
    rule_detail: str
    """What it sees."""
    health: tuple[str, ...]
    """What is likely wrong, a sentence each."""
    time: Mapping[str, float]
    """Of this attempt's time, the share of each of `PARTS`; empty where nothing is known."""
    replay: Amount
    windows: Amount
    windows_from: str
    """What fills them: replay or rollouts; empty where there are none."""
    steps_per_s: float
    updates_per_s: float
    paused: bool
    cpu: float
    rss: float
    disk_free: float
    gpu: str
    checkpoint: CheckpointFact | None
    total_steps: float
    """All environment steps: of training, evaluation and cloning rollouts."""
    evaluation_share: float | None
    """Of all environment steps, those spent on evaluation."""
    best_return: float
    """Of the best evaluation so far; NaN before the first."""

    @property
    def budget(self) -> float:
        """Training steps of both stages."""
        return self.accelerate.of + self.online.of


def read_progress(written: Mapping[str, Any]) -> Progress:
    """The progress an engine wrote; what is missing or of the wrong type counts as nothing."""
    machine, speed, steps = _map(written, "machine"), _map(written, "speed"), _map(written, "steps")
    checkpoint = _map(written, "checkpoint")
    total = _number(steps, "total", 0.0)
    return Progress(
        accelerate=_amount(written, "accelerate", "steps", "of"),
        online=_amount(written, "online", "steps", "of"),
        eta_s=_optional(written, "eta_s"),
        switch_step=_optional(written, "switch_step"),
        rule=clean(written.get("rule") or ""),
        rule_detail=clean(written.get("rule_detail") or ""),
        health=_sentences(written.get("health")),
        time=_shares(_map(written, "time")),
        replay=_amount(written, "replay", "size", "capacity"),
        windows=_amount(written, "windows", "size", "capacity"),
        windows_from=clean(_map(written, "windows").get("from") or ""),
        steps_per_s=_number(speed, "steps", math.nan),
        updates_per_s=_number(speed, "updates", math.nan),
        paused=written.get("paused") is True,
        cpu=_number(machine, "cpu", math.nan),
        rss=_number(machine, "rss", math.nan),
        disk_free=_number(machine, "disk_free", math.nan),
        gpu=clean(machine.get("gpu") or ""),
        checkpoint=CheckpointFact(_number(checkpoint, "step", 0.0), _number(checkpoint, "time", 0.0))
        if checkpoint
        else None,
        total_steps=total,
        evaluation_share=_number(steps, "evaluation", 0.0) / total if total > 0 else None,
        best_return=_number(written, "best_return", math.nan),
    )


def _map(written: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = written.get(key)
    return value if isinstance(value, dict) else {}


def _sentences(value: object) -> tuple[str, ...]:
    """The first few of a list, none longer than what can be shown."""
    texts = value[:MOST_SENTENCES] if isinstance(value, list) else []
    cleaned = (clean(text)[:LONGEST_SENTENCE] for text in texts if isinstance(text, str))
    return tuple(text for text in cleaned if text)


def _shares(seconds: Mapping[str, Any]) -> Mapping[str, float]:
    spent = {part: max(_number(seconds, part, 0.0), 0.0) for part in PARTS}
    whole = sum(spent.values())
    return {part: seconds / whole for part, seconds in spent.items()} if whole > 0 else {}


def _optional(written: Mapping[str, Any], key: str) -> float | None:
    return as_number(written.get(key))


def _number(written: Mapping[str, Any], key: str, otherwise: float) -> float:
    value = _optional(written, key)
    return otherwise if value is None else value


def _amount(written: Mapping[str, Any], key: str, size: str, of: str) -> Amount:
    amount = _map(written, key)
    return Amount(_number(amount, size, 0.0), _number(amount, of, 0.0))


def as_number(value: object) -> float | None:
    """A number of a JSON file that anyone may have written; None for what is none, or beyond all measure."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        return None
    return float(value)
