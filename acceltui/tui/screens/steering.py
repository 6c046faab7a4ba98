"""A screen on one run whose keys steer it: what they ask for goes into the run folder as a command."""

import math
import time
from typing import ClassVar

from textual.binding import Binding, BindingType

from acceltui.runs.folder import RunFolder
from acceltui.tui import commands
from acceltui.tui.keys import RUN
from acceltui.tui.messages import Notice
from acceltui.tui.screens.confirm import Confirm
from acceltui.tui.screens.plots import PlotScreen
from acceltui.tui.watch import Snapshot

ANSWERED_WITHIN = 3.0
"""Seconds after a pause was asked for until the status is sure to tell of it."""


class SteeringScreen(PlotScreen):
    """Commands are those that the newest snapshot allows; what cannot be undone is asked first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "switch", "Switch", id="switch", group=RUN, tooltip="switch to stage online now (asks first)"),
        Binding("p", "pause", "Pause", id="pause", group=RUN, tooltip="pause, or go on"),
        Binding("e", "command('evaluate')", "Evaluate", id="evaluate", group=RUN, tooltip="evaluate now"),
        Binding(
            "c", "command('checkpoint')", "Checkpoint", id="checkpoint", group=RUN, tooltip="write a checkpoint now"
        ),
        Binding("x", "stop", "Stop", id="stop", group=RUN, tooltip="stop the run, after a checkpoint (asks first)"),
    ]

    def __init__(self, folder: RunFolder, read_only: bool = False) -> None:
        super().__init__(read_only)
        self.steer(folder)

    def steer(self, folder: RunFolder) -> None:
        """Steer that run from now on; nothing has been seen of it, nor asked for."""
        self.folder = folder
        self.snapshot: Snapshot | None = None
        self._asked_pause = (False, -math.inf)

    def action_pause(self) -> None:
        """Pause, or go on."""
        asked, when = self._asked_pause
        if time.monotonic() - when > ANSWERED_WITHIN:
            asked = self.snapshot is not None and (self.snapshot.progress.paused or self.snapshot.state == "PAUSED")
        self._asked_pause = (not asked, time.monotonic())
        self.action_command("unpause" if asked else "pause")

    def action_switch(self) -> None:
        """Ask, then switch the stage."""
        size = self.snapshot.online_replay if self.snapshot else None
        replay = f"The replay is resized to {size:,} transitions." if size else "The replay is resized."
        body = (
            f"At step {self._step():,} or the next update, the transformer takes the accelerator's place and acts from "
            f"then on. The critic stays. {replay}\n\nThis cannot be undone."
        )
        self._ask("switch", Confirm("Switch to stage online now?", body, "Switch"))

    def action_stop(self) -> None:
        """Ask, then stop the run."""
        body = (
            f"At step {self._step():,} or the next update the engine writes a checkpoint and ends. "
            "Everything written so far stays."
        )
        self._ask("stop", Confirm("Stop this run?", body, "Stop"))

    def action_command(self, kind: str) -> None:
        """Send a command that needs no question."""
        if reason := commands.why_not(kind, self.snapshot):
            self.post_message(Notice(reason, urgent=True))
            return
        stage = self.snapshot.status.stage if self.snapshot else None
        self.run_worker(self._follow(kind, stage), group=f"command-{kind}")

    def _ask(self, kind: str, question: Confirm) -> None:
        if reason := commands.why_not(kind, self.snapshot):
            self.post_message(Notice(reason, urgent=True))
            return
        self.app.push_screen(question, lambda yes: self.action_command(kind) if yes else None)

    async def _follow(self, kind: str, stage: str | None) -> None:
        async for text, urgent in commands.send_and_follow(self.folder, kind, stage):
            self.post_message(Notice(text, urgent))

    def _step(self) -> int:
        return self.snapshot.status.step if self.snapshot else 0
