"""The engine's pulse: a thread that writes the status and takes commands, whatever training is busy with."""

import collections
import contextlib
import os
import shutil
import sys
import threading
from collections.abc import Iterator
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
LEAVES_WITHIN = 5.0
"""Seconds that training may take to end once its folder has vanished."""


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
    health: list[str] = field(default_factory=list)
    """What is likely wrong now, a sentence each."""
    time: dict[str, float] = field(default_factory=dict)
    """Seconds that each part of the run has taken in this attempt."""
    replay: dict[str, int] = field(default_factory=lambda: {"size": 0, "capacity": 0})
    windows: dict[str, Any] = field(default_factory=lambda: {"size": 0, "capacity": 0, "from": ""})
    """What cloning may draw from; `from`: replay or rollouts, or nothing where it draws from neither."""
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


def vanished_sentence(folder: RunFolder) -> str:
    """The last words of an engine without a folder."""
    return f"{folder.path} was deleted or moved away: nobody could use what is trained here, so training ends."


class Monitor:
    """Writes status.json each second; acknowledges commands within `POLL_SECONDS` and queues them for training."""

    def __init__(self, folder: RunFolder, live: Live, attempt: int) -> None:
        """The folder must be there, and its lock in it."""
        self.folder, self.live, self.attempt = folder, live, attempt
        self._lock = folder.lock.stat()
        self.pending: collections.deque[Command] = collections.deque()
        """Commands taken, for the training thread to act on between updates."""
        self.asked_to_leave = False
        """Set by a signal; training saves and leaves between two updates."""
        self.vanished = False
        """Set when the run folder was deleted or moved away: nobody can see or use any more what training does."""
        self.used: dict[str, float] = {}
        """What the engine used at the last beat: percent of a core, bytes. Replaced as a whole, training reads it."""
        self._inbox = CommandInbox(folder, attempt)
        self._answers: collections.deque[tuple[Command, str, str, int]] = collections.deque()
        """Those that the disk has not taken yet."""
        self._answering = threading.Lock()
        self._said: dict[str, str] = {}
        self._process = psutil.Process()
        self._process.cpu_percent()  # each call tells of the time since the one before, the first of none
        self._started = own_start()
        self._over = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        """Write the first status and begin."""
        self.write()
        self._thread.start()

    def stop(self) -> bool:
        """End the thread, refuse what nobody will act on, write the last status; gives whether that could be done."""
        self._over.set()
        self._thread.join()
        self.live.paused = False
        reason = f"the run ended: {self.live.state}"
        for command in [*self.pending, *self._poll()]:
            self.answer(command, "refused", reason)
        told = self.try_to_write()
        self._send_answers()
        return told

    def answer(self, command: Command, state: str, reason: str = "") -> None:
        """Answer a command, as soon as the disk takes it; the status shows it by the time the answer is read."""
        self._answers.append((command, state, reason, self.live.step))
        if self.try_to_write():
            self._send_answers()

    def try_to_write(self) -> bool:
        """Write the status; gives whether it could be done. If not, the next beat does it."""
        with self._tries("status"):
            self.write()
        return "status" not in self._said and not self.vanished

    def write(self) -> None:
        """Write the status as it is now. Nothing is written to a path where the run no longer is."""
        with self._writing:
            self._check_folder()
            if not self.vanished:
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
            "health": live.health,
            "time": live.time,
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
            with self._tries("folder"):
                self._check_folder()
            if self.vanished:
                self._leave_soon()
                return
            for command in self._poll():
                with self._tries("acks"):
                    self._take(command)
            self._send_answers()
            if polls % POLLS_A_STATUS == 0:
                self.try_to_write()

    def _poll(self) -> list[Command]:
        with self._tries("commands"):
            return self._inbox.poll()
        return []

    @contextlib.contextmanager
    def _tries(self, what: str) -> Iterator[None]:
        """What fails in here is said once and tried again: a full disk must end neither the pulse nor training."""
        try:
            yield
        except Exception as error:
            if self._said.get(what) != str(error):
                self._said[what] = str(error)
                print(f"{what}: {error}", file=sys.stderr, flush=True)
        else:
            self._said.pop(what, None)

    def _check_folder(self) -> None:
        """Notice that the folder at the run's path is not the one that this engine has locked."""
        try:
            there = os.path.samestat(self.folder.lock.stat(), self._lock)
        except (FileNotFoundError, NotADirectoryError):
            there = False
        self.vanished = self.vanished or not there

    def _leave_soon(self) -> None:
        """Training ends between two updates; one that takes too long, or an evaluation, is not waited for."""
        if not self._over.wait(LEAVES_WITHIN):
            print(vanished_sentence(self.folder), file=sys.stderr, flush=True)
            for child in self._process.children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
            os._exit(1)

    def _take(self, command: Command) -> None:
        if command.expected_stage is not None and command.expected_stage != self.live.stage:
            self.answer(command, "refused", f"the run is in stage {self.live.stage} by now")
            return
        try:
            self._inbox.ack(command, "taken", step=self.live.step)
        except Exception:
            # Whoever sent it hears nothing and withdraws it, or it is there at the next look.
            self._inbox.put_back(command)
            raise
        self.pending.append(command)

    def _send_answers(self) -> None:
        with self._answering, contextlib.suppress(OSError):
            while self._answers:
                self._inbox.ack(*self._answers[0])
                self._answers.popleft()

    def _machine(self) -> dict[str, Any]:
        used = {"cpu": self._process.cpu_percent(), "rss": self._process.memory_info().rss}
        gpu = ""
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            used["gpu_memory"] = torch.cuda.memory_allocated()
            gpu = f"{torch.cuda.get_device_name()} {used['gpu_memory'] / 2**30:.1f} GiB"
        self.used = used
        return {**used, "disk_free": shutil.disk_usage(self.folder.path).free, "gpu": gpu}
