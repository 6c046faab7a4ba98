"""What a run says of itself as it trains: rows of metrics, the status, and what is likely wrong."""

import math
from collections.abc import Mapping

from acceltui.engine.cpu import CpuClock
from acceltui.engine.endings import diverged
from acceltui.engine.evaluations import Evaluations
from acceltui.engine.health import Health, Seen
from acceltui.engine.monitor import Monitor
from acceltui.engine.pace import Pace
from acceltui.engine.record import Record
from acceltui.engine.stages import Accelerate, Stage
from acceltui.engine.stopwatch import Stopwatch
from acceltui.recipe.schema import Recipe


class Rows:
    """The means since the last row, how full and fast everything is, and what has been counted so far."""

    def __init__(
        self,
        recipe: Recipe,
        monitor: Monitor,
        record: Record,
        evaluations: Evaluations,
        clocks: tuple[Stopwatch, Pace, CpuClock],
    ) -> None:
        self._recipe, self._monitor, self._record, self._evaluations = recipe, monitor, record, evaluations
        self._stopwatch, self._pace, self._cpu = clocks
        self._health = Health(recipe)
        self._live = monitor.live
        self.clone_steps = 0
        """Environment steps that were taken for cloning alone."""

    def write(self, stage: Stage) -> None:
        """One row of a stage that trains; Diverged where a loss is no number."""
        learning, live = stage.learning, self._live
        values = learning.meter.take()
        live.replay = {"size": learning.replay.size, "capacity": learning.replay.capacity}
        windows = {"size": 0, "capacity": 0}
        if isinstance(stage, Accelerate) and stage.cloning:
            windows = {"size": stage.cloning.windows, "capacity": self._recipe.clone.newest}
            values |= stage.cloning.meter.take() | grouped({"windows": windows})
        live.windows = {**windows, "from": self._recipe.clone.from_ if windows["capacity"] else ""}
        live.speed = self._pace.speed(live.step, learning.updates)
        shares, live.time = self._stopwatch.shares(), self._stopwatch.read()
        values |= grouped({"replay": live.replay, "speed": live.speed, "speed/share": shares})
        values |= self.count() | grouped({"machine": self._monitor.used})
        self._record.row(live.step, stage.name, values)
        live.latest = self._record.latest
        self._look_at_health(stage, values)
        for name, value in values.items():
            if name.startswith("loss/") and not math.isfinite(value):
                raise diverged(live, name, value)

    def count(self) -> dict[str, float]:
        """Metrics of what the run has cost: environment steps beside training's and all of them, CPU seconds."""
        live, evaluation = self._live, self._evaluations.steps
        total = live.step + evaluation + self.clone_steps
        live.steps = {"evaluation": evaluation, "clone": self.clone_steps, "total": total}
        return grouped({"steps": live.steps, "time": self._cpu.read()})

    def _look_at_health(self, stage: Stage, values: dict[str, float]) -> None:
        """What is likely wrong, for the status; an event says so when it begins."""
        replay, live = stage.learning.replay, self._live
        seen = Seen(
            stage.name,
            live.step,
            values,
            latest=live.latest,
            seconds=live.time,
            evaluations=self._evaluations.history,
            random=self._evaluations.random,
            largest_reward=replay.largest_reward,
            longest=replay.longest,
            room=replay.capacity // self._recipe.env.num_envs,
        )
        for name, sentence in self._health.look(seen).items():
            self._record.event("warning", sentence, step=live.step, health=name)
        live.health = self._health.sentences


def grouped(groups: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Metrics by name: `group/key`."""
    return {f"{group}/{key}": value for group, values in groups.items() for key, value in values.items()}
