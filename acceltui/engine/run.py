"""What surrounds training at every step: rows, evaluations, checkpoints, commands, the switch rule."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from acceltui.engine.build import Parts
from acceltui.engine.checkpoint import Checkpoints, Moment, Saved
from acceltui.engine.cpu import CpuClock
from acceltui.engine.endings import Leaving, Unsaved, Vanished, diverged
from acceltui.engine.evaluations import Evaluations
from acceltui.engine.hooks import Hooks
from acceltui.engine.monitor import Monitor
from acceltui.engine.pace import Pace
from acceltui.engine.record import Record
from acceltui.engine.rows import Rows
from acceltui.engine.stages import Accelerate, Cloning, OnlineStage, Stage
from acceltui.engine.state import State
from acceltui.engine.switch import Verdict, judge, steps_named
from acceltui.recipe.schema import Recipe
from acceltui.runs.commands import Command
from acceltui.runs.folder import RunFolder

ROLLOUT_SEEDS = 2**31
"""Rollouts begin where no evaluation does: a recipe's seeds are smaller."""
OF_A_CLOCK = ("speed/", "time/", "machine/")
"""Metrics that differ each time the same is trained: no checkpoint has them in it."""


class Run:
    """A run in progress. `step` counts training environment steps over both stages and all environments."""

    def __init__(
        self,
        recipe: Recipe,
        folder: RunFolder,
        monitor: Monitor,
        record: Record,
        saved: Saved | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        """With `saved`, the run goes on from that checkpoint: `resume.resume` does the rest."""
        self.saved = saved
        self.hooks = hooks or Hooks(folder, record)
        self.recipe, self.monitor, self.record, self.live = recipe, monitor, record, monitor.live
        self.step = 0
        self.parts = Parts(recipe, lambda message: record.event("compile", message, step=self.step))
        self.evaluations = Evaluations(self.parts)
        self.checkpoints = Checkpoints(folder, monitor.attempt, recipe)
        self.pace, self.cpu = Pace(), CpuClock(saved.manifest.get("cpu") if saved else None)
        self.stopwatch = self.parts.stopwatch
        self.rows = Rows(recipe, monitor, record, self.evaluations, (self.stopwatch, self.pace, self.cpu))
        self._unsaved: list[str] = []
        """Why a checkpoint is to be written when this step is over."""
        self._rule_steps = steps_named(recipe.switch)
        threads = recipe.engine.threads
        where = f"on {self.parts.device} with {threads} thread{'s' if threads > 1 else ''}"
        message = f"{recipe.env.id}, seeing {self.parts.spaces.seen}, {where}"
        record.event("start", message, step=0, method=recipe.method, seed=recipe.seed)
        if recipe.method != "accelerated":
            ignored = "clone and switch are ignored"
            record.event("warning", f"method {recipe.method}: {ignored}", step=0)

    def measure_random(self) -> None:
        """The return of random actions, from which shares are measured."""
        with self.stopwatch.during("evaluation"), self.cpu.evaluating():
            values = self.evaluations.measure_random()
        self.live.random_return = values["random/return"]
        self.record.row(0, self.live.stage, values)
        said = f"random actions return {values['random/return']:.1f}, the zero of shares"
        self.record.event("random", said, step=0)

    def follow(self, stage: Stage, until: int) -> Leaving:
        """Train in `stage` until its budget is spent or something ends it earlier."""
        recipe, num_envs = self.recipe, self.recipe.env.num_envs
        self.live.stage, self.live.state = stage.name, "RUNNING"
        self.pace.restart(self.step)
        self.look_at_rule(stage)
        rolls_out = stage.cloning if isinstance(stage, Accelerate) and recipe.clone.from_ == "rollouts" else None
        while self.step < until:
            if leaving := self.obey(stage):
                return leaving
            before = self.step
            stage.advance(before)
            self.step = self.live.step = before + num_envs

            def due(every: int, before: int = before) -> bool:
                return self.step // every > before // every

            if due(recipe.log.every):
                self.rows.write(stage)
                self.look_at_rule(stage)
            if rolls_out and due(recipe.clone.rollouts.every):
                self.collect(rolls_out)
            if evaluates := due(recipe.evaluation.every):
                self.evaluate()
                # Only these count for the rule: what a person asks for must not change when it fires.
                self.evaluations.count_for_rule()
            if due(recipe.checkpoint.every):
                self._unsaved.append("periodic")
            named = any(before < named <= self.step for named in self._rule_steps)
            if (evaluates or named) and (leaving := self.ask_rule(stage)):
                return leaving
            if self.step < until:  # else what comes next saves it all
                self.save_unsaved(stage)
        return Leaving("budget", by="budget", message=f"the budget of stage {stage.name} is spent")

    def switch(self, stage: Accelerate, leaving: Leaving) -> OnlineStage:
        """The transformer takes over; both policies are evaluated and saved first, so that the switch can be judged."""
        self.live.state = "SWITCHING"
        self.evaluate_unless_done()
        self.save("switch", stage, leaving)
        online = self.parts.switch(stage, self.step)
        self.live.switch_step, self.live.stage, self.live.state = self.step, online.name, "RUNNING"
        self.live.rule, self.live.rule_detail = "", ""
        self.live.budgets = {**self.live.budgets, "accelerate": self.step}
        replay = online.learning.replay
        kept = f"{replay.size:,} transitions of the replay kept"
        message = f"stage online from step {self.step:,}: {leaving.message}; {kept}"
        self.record.event("switch", message, step=self.step, by=leaving.by, **self.evaluations.returns)
        self.hooks.run("switch", self.live.state, self.step, message)
        self.settle(leaving)
        return online

    def finish(self, stage: Stage, leaving: Leaving) -> str:
        """Evaluate and save what the run came to; gives its last state."""
        match leaving.why:
            case "stop":
                state, kind, why = "STOPPED", "stop", "command"
            case "preempt":
                state, kind, why = "PREEMPTED", "preempt", "end"
            case _:
                state, kind, why = "FINISHED", "finish", "end"
                self.evaluate_unless_done()
        if (reason := self.save(why, stage)) and state != "STOPPED":
            # What is FINISHED cannot be resumed, and a batch system would begin what is PREEMPTED again and again: all
            # since the last checkpoint would be lost without a word.
            back = self.live.checkpoint["name"] if self.live.checkpoint else "none"
            raise Unsaved(f"training is over, but its end could not be saved: {reason}; the last checkpoint is {back}")
        self.record.event(kind, leaving.message, step=self.step, by=leaving.by, **self.evaluations.returns)
        self.live.state = state
        self.settle(leaving)
        return state

    def obey(self, stage: Stage) -> Leaving | None:
        """Act on commands and signals, between updates; while paused, nothing else happens."""
        leaving = self.next_leaving(stage)
        if leaving is None and self.live.paused:
            with self.aside("PAUSED", "idle"):
                while self.live.paused and leaving is None:
                    time.sleep(0.1)
                    self.live.time = self.stopwatch.read()
                    leaving = self.next_leaving(stage)
        return leaving

    def next_leaving(self, stage: Stage) -> Leaving | None:
        """Carry out what is pending, up to what ends the stage."""
        if self.monitor.vanished:
            raise Vanished
        self.hooks.say_failures(self.step)
        if self.monitor.asked_to_leave:
            return Leaving("preempt", by="signal", message="asked to leave by a signal")
        while self.monitor.pending:
            if leaving := self.carry_out(self.monitor.pending.popleft(), stage):
                return leaving
        return None

    def carry_out(self, command: Command, stage: Stage) -> Leaving | None:
        """One command; `switch` and `stop` are answered when they have happened."""
        match command.kind:
            case "switch":
                if not (isinstance(stage, Accelerate) and stage.cloning):
                    reason = f"there is no switch in stage {stage.name} of method {self.recipe.method}"
                    self.monitor.answer(command, "refused", reason)
                    return None
                return Leaving("switch", command.by, "asked for", command)
            case "stop":
                return Leaving("stop", command.by, "asked for", command)
            case "pause" | "unpause":
                self.live.paused = command.kind == "pause"
            case "evaluate":
                self.evaluate_unless_done()
                self.save_unsaved(stage)
            case "checkpoint":
                if reason := self.save("command", stage):
                    self.monitor.answer(command, "refused", reason)
                    return None
        self.record.event("command", f"{command.kind} done", step=self.step, by=command.by, id=command.id)
        self.monitor.answer(command, "done")
        return None

    def settle(self, leaving: Leaving) -> None:
        """Answer the command that ended a stage."""
        if leaving.command is not None:
            self.monitor.answer(leaving.command, "done")

    def look_at_rule(self, stage: Stage) -> Verdict | None:
        """What the recipe's rule says of the evaluations so far, for the status; None where there is no rule."""
        if self.recipe.switch is None or not (isinstance(stage, Accelerate) and stage.cloning):
            return None
        verdict = judge(self.recipe.switch, self.step, self.evaluations.history, self.evaluations.random)
        self.live.rule, self.live.rule_detail = verdict.progress, verdict.detail
        return verdict

    def ask_rule(self, stage: Stage) -> Leaving | None:
        """Leave the stage where the rule fires."""
        verdict = self.look_at_rule(stage)
        if verdict is None or not verdict.fires:
            return None
        detail = f" ({verdict.detail})" if verdict.detail else ""
        return Leaving("rule", by=verdict.name, message=f"the rule fired: {verdict.progress}{detail}")

    def evaluate_unless_done(self) -> None:
        """Evaluate now, if this step has not been."""
        if self.evaluations.at != self.step:
            self.evaluate()

    def evaluate(self) -> None:
        """Evaluate the policies that this stage is about, and keep the best."""
        with self.aside("EVALUATING", "evaluation"), self.cpu.evaluating():
            values = self.evaluations.measure(self.live.stage)
        values |= self.rows.count()
        self.record.row(self.step, self.live.stage, values)
        self.live.latest = self.record.latest
        if self.evaluations.note(self.step, values):
            best = self.evaluations.best
            self.live.best_return = best.reward
            self._unsaved.append("best")
            self.record.event("best", f"best so far: {best}", step=self.step, why="best")

    def collect(self, cloning: Cloning) -> None:
        """Let the accelerator play episodes for cloning; their steps are counted."""
        with self.aside("RUNNING", "cloning"):
            self.rows.clone_steps += cloning.collect(seed=ROLLOUT_SEEDS + self.recipe.seed % 2**29 + self.step % 2**29)

    def save_unsaved(self, stage: Stage) -> None:
        """Save, if something has asked for it since the last time."""
        if self._unsaved:
            self.save(self._unsaved.pop(), stage)

    def save(self, why: str, stage: Stage, leaving: Leaving | None = None) -> str:
        """Save everything between two steps; where that fails, training goes on and an event says so.

        Gives the reason then, and nothing where all is saved.
        """
        whys, self._unsaved = [*self._unsaved, why], []
        self.check_finite()
        with self.aside(self.live.state, "saving"):
            full = self.recipe.checkpoint.replay == "full"
            state = self.state(stage)  # which ends a step that was begun, and writes it into the replay
            replays = stage.replays if full else {}
            moment = Moment(self.step, stage.name, self.parts.networks, state, replays, self.cpu.read())
            left = None if leaving is None else {"why": leaving.why, "by": leaving.by, "message": leaving.message}
            try:
                self.live.checkpoint = self.checkpoints.save(moment, whys, left)
            except OSError as error:
                reason = error.strerror or str(error)
                last = "" if self.live.checkpoint is None else f"; the last is of step {self.live.checkpoint['step']:,}"
                self.record.event("warning", f"no checkpoint at step {self.step:,}: {reason}{last}", step=self.step)
                return reason
        named = ", ".join(dict.fromkeys(whys))
        if named != "best":  # that it is, was said
            message = f"saved {self.live.checkpoint['name']} ({named})"
            self.record.event("checkpoint", message, step=self.step, why=named)
        return ""

    def check_finite(self) -> None:
        """Diverged where a parameter is no number any more: what is saved must be worth going on with."""
        for name, network in self.parts.networks.items():
            for parameter, values in network.named_parameters():
                if not bool(torch.isfinite(values).all()):
                    raise diverged(self.live, f"{name}.{parameter}")

    def state(self, stage: Stage) -> State:
        """Everything between two steps, but for weights and the replays' frames; `resume.go_back` takes it."""
        live = self.live
        return {
            "stage": stage.state(),
            "replays": {name: replay.state() for name, replay in stage.replays.items()},
            "parts": self.parts.state(),
            "clone_steps": self.rows.clone_steps,
            "evaluations": self.evaluations.state(),
            "latest": {name: value for name, value in self.record.latest.items() if not name.startswith(OF_A_CLOCK)},
            "switch_step": live.switch_step,
            "begins": stage.begins if isinstance(stage, OnlineStage) else 0,
        }

    @contextmanager
    def aside(self, state: str, part: str) -> Iterator[None]:
        """Time that is not training: `state` shows meanwhile, and the pace does not count it, but for `part`."""
        before, self.live.state = self.live.state, state
        self.pace.pause()
        try:
            with self.stopwatch.during(part):
                yield
        finally:
            self.pace.go_on()
            self.live.state, self.live.time = before, self.stopwatch.read()
