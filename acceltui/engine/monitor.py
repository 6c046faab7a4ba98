"""The engine's pulse: a thread that writes the status and takes commands, whatever training is busy with."""

import collections
import os
import shutil
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

import psutil
import torch

from acceltui.runs.commands import Command, CommandInbox
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import own_start
from acceltui.runs.status import Status, this_host, write_status

POLL_SECONDS = 0.25
POLLS_A_STATUS = 4


@dataclass
class Live:
    """What training says of itself. The training thread assigns whole values; the monitor reads them."""

    method: str
    state: str = "STARTING"
    stage: str = "accelerate"
    step: int = 0
    switch_step: int | None = None
    budgets: dict[str, int] = field(default_factory=dict)
    """Steps each stage may take; of a stage that was left, what it took."""
    error: dict[str, str] | None = None
    rule: str = ""
    rule_detail: str = ""
    replay: dict[str, int] = field(default_factory=lambda: {"size": 0, "capacity": 0})
    windows: dict[str, int] = field(default_factory=lambda: {"size": 0, "capacity": 0})
    speed: dict[str, float] = field(default_factory=lambda: {"steps": 0.0, "updates": 0.0})
    paused: bool = False
    checkpoint: dict[str, Any] | None = None
    steps: dict[str, int] = field(default_factory=lambda: {"evaluation": 0, "clone": 0, "total": 0})
    latest: dict[str, float] = field(default_factory=dict)
    random_return: float | None = None
    best_return: float | None = None
    """Of the best evaluation so far."""

    def stage_steps(self) -> dict[str, int]:
        """Steps each stage has taken."""
        if "accelerate" not in self.budgets:
            return {"accelerate": 0, "online": self.step}
        if self.switch_step is None:
            return {"accelerate": self.step, "online": 0}
        return {"accelerate": self.switch_step, "online": self.step - self.switch_step}

    def eta(self) -> float | None:
        """Seconds to the end of all budgets at the present speed."""
        if self.speed["updates"] <= 0:
            return None  # random actions cost next to nothing: their speed says nothing of what follows
        taken = self.stage_steps()
        return sum(self.budgets[name] - taken[name] for name in self.budgets) / self.speed["steps"]


class Monitor:
    """Writes status.json each second; acknowledges commands within `POLL_SECONDS` and queues them for training."""

    def __init__(self, folder: RunFolder, live: Live, attempt: int) -> None:
        self.folder, self.live, self.attempt = folder, live, attempt
        self.pending: collections.deque[Command] = collections.deque()
        """Commands taken, for the training thread to act on between updates."""
        self.asked_to_leave = False
        """Set by a signal; training saves and leaves between two updates."""
        self.inbox = CommandInbox(folder, attempt)
        self._process = psutil.Process()
        self._started = own_start()
        self._over = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        """Write the first status and begin."""
        self.write()
        self._thread.start()

    def stop(self) -> None:
        """End the thread, refuse what nobody will act on, write the last status."""
        self._over.set()
        self._thread.join()
        self.live.paused = False
        for command in [*self.pending, *self.inbox.poll()]:
            self.inbox.ack(command, "refused", f"the run ended: {self.live.state}", self.live.step)
        self.write()

    def done(self, command: Command) -> None:
        """Answer a command that was carried out; the status shows it by the time the answer is read."""
        self.write()
        self.inbox.ack(command, "done", step=self.live.step)

    def write(self) -> None:
        """Write the status as it is now."""
        with self._writing:
            self._write()

    def _write(self) -> None:
        live = self.live
        taken = live.stage_steps()
        stages = {name: {"steps": taken[name], "of": live.budgets.get(name, 0)} for name in ("accelerate", "online")}
        progress = {
            **stages,
            "eta_s": live.eta(),
            "switch_step": live.switch_step,
            "rule": live.rule,
            "rule_detail": live.rule_detail,
            "replay": live.replay,
            "windows": live.windows,
            "speed": live.speed,
            "evaluating": live.state == "EVALUATING",
            "paused": live.paused,
            "machine": self._machine(),
            "checkpoint": live.checkpoint,
            "steps": live.steps,
            "latest": live.latest,
            "method": live.method,
            "random_return": live.random_return,
            "best_return": live.best_return,
        }
        status = Status(
            state=live.state,
            stage=live.stage,
            step=live.step,
            pid=os.getpid(),
            pid_started=self._started,
            host=this_host(),
            attempt=self.attempt,
            run=self.folder.name,
            error=live.error,
            progress=progress,
        )
        write_status(self.folder, status)

    def _run(self) -> None:
        polls = 0
        while not self._over.wait(POLL_SECONDS):
            polls += 1
            try:
                for command in self.inbox.poll():
                    self._take(command)
                if polls % POLLS_A_STATUS == 0:
                    self.write()
            except OSError as error:
                # A full or vanished disk must not end the pulse: it may come back.
                print(f"monitor: {error}", file=sys.stderr, flush=True)

    def _take(self, command: Command) -> None:
        if command.expected_stage is not None and command.expected_stage != self.live.stage:
            self.inbox.ack(command, "refused", f"the run is in stage {self.live.stage} by now", self.live.step)
        else:
            self.inbox.ack(command, "taken", step=self.live.step)
            self.pending.append(command)

    def _machine(self) -> dict[str, Any]:
        gpu = ""
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            gpu = f"{torch.cuda.get_device_name()} {torch.cuda.memory_allocated() / 2**30:.1f} GiB"
        return {
            "cpu": self._process.cpu_percent(),
            "rss": self._process.memory_info().rss,
            "disk_free": shutil.disk_usage(self.folder.path).free,
            "gpu": gpu,
        }
