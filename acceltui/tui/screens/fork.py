"""A new run from a checkpoint of another, started by the command line's `fork` in a process of its own."""

import asyncio
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Input, Static

from acceltui.runs import wording
from acceltui.runs.checkpoints import Found, find_checkpoints
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import run_title
from acceltui.runs.text import clean
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.palette import CHOSEN, DIM, KEY, PLAIN
from acceltui.tui.widgets.canvas import Canvas, Span, line
from acceltui.tui.widgets.keys import KeyLine

LOOK_EVERY = 0.1
"""Seconds between two looks whether the command has ended."""


@dataclass(frozen=True)
class Forked:
    """A run that was started from step `step` of `origin`."""

    name: str
    origin: str
    step: int


@dataclass
class CheckpointsFound(Message, bubble=False):
    """The checkpoints of the run, one a step, the newest first."""

    found: list[Found]


class CheckpointList(Canvas):
    """Checkpoints with a cursor."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(glyphs, id="checkpoints")
        self.found: list[Found] | None = None
        """None until they were looked for."""
        self.cursor = 0

    def show(self, found: list[Found]) -> None:
        """Show these; the cursor stays on its step."""
        chosen = self.found[self.cursor].step if self.found else None
        steps = [one.step for one in found]
        self.cursor = steps.index(chosen) if chosen in steps else 0
        self.found = found
        self.styles.height = max(len(found), 1)
        self.repaint()

    def move(self, lines: int) -> None:
        """Move the cursor."""
        self.cursor = max(min(self.cursor + lines, len(self.found or ()) - 1), 0)
        self.repaint()

    def draw(self, width: int, height: int) -> list[Strip]:
        if not self.found:
            text = "This run has no checkpoint to fork from." if self.found == [] else "looking for checkpoints"
            return [line([(f" {text}", DIM)], width), *[line([], width)] * height][:height]
        top = max(self.cursor - height + 1, 0)
        shown = enumerate(self.found[top : top + height], start=top)
        lines = [self._line(one, place == self.cursor, width) for place, one in shown]
        return [*lines, *[line([], width)] * height][:height]

    def _line(self, one: Found, here: bool, width: int) -> Strip:
        age = wording.age(time.time() - one.manifest["time"])
        why = clean(", ".join(map(str, one.manifest["why"])))
        spans: list[Span] = [
            (f"{self.glyphs.prompt if here else ' '} ", KEY),
            (f"{one.step:>11,}", PLAIN),
            (f"  {clean(one.manifest['stage']):<10}", DIM),
            (f"  {age:>6} ago", DIM),
            (f"  {why}", PLAIN),
        ]
        style = PLAIN + CHOSEN if here else PLAIN
        return line([(text, part + CHOSEN if here else part) for text, part in spans], width, style)


class ForkKeys(KeyLine):
    """The keys of the dialog."""

    keys = (("Enter", "Start"), ("up down", "Checkpoint"), ("Tab", "Field"), ("Esc", "Cancel"))


class Fork(ModalScreen[Forked | None]):
    """Asks for a checkpoint and changes; what goes wrong is shown, and nothing typed is lost."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("up", "move(-1)", "Newer", show=False),
        Binding("down", "move(1)", "Older", show=False),
    ]
    AUTO_FOCUS = "#changes"

    def __init__(self, folder: RunFolder, root: Path, glyphs: Glyphs) -> None:
        super().__init__()
        self._folder, self._root = folder, root
        self._glyphs = glyphs
        self._checkpoints = CheckpointList(glyphs)
        self._starting = False

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Content(f"Fork {run_title(self._folder.name)} from step"), id="dialog-title")
            yield self._checkpoints
            for name, hint in (("changes", "key=value ...; empty: none"), ("name", "empty: recipe, seed and time")):
                with Horizontal(classes="field"):
                    yield Static(Content(name))
                    field = Input(placeholder=hint, compact=True, id=name)
                    field.cursor_blink = False
                    yield field
            yield Static(id="said")
            yield ForkKeys(self._glyphs, id="dialog-keys", classes="line")

    def on_mount(self) -> None:
        self._look()

    def _look(self) -> None:
        """Look for checkpoints. In a daemon: a file server that hangs delays neither drawing nor leaving."""
        threading.Thread(target=self._find, name="checkpoints", daemon=True).start()

    def _find(self) -> None:
        by_step = {one.step: one for one in find_checkpoints(self._folder)}  # of one step, the newest
        self.post_message(CheckpointsFound(sorted(by_step.values(), key=lambda one: -one.step)))

    def on_checkpoints_found(self, message: CheckpointsFound) -> None:
        self._checkpoints.show(message.found)
        self.set_class(not message.found, "-none")

    def action_move(self, lines: int) -> None:
        """Choose another checkpoint."""
        self._checkpoints.move(lines)

    def action_cancel(self) -> None:
        """Close; what was started goes on by itself."""
        self.dismiss(None)

    def on_input_submitted(self) -> None:
        """Start the fork, unless one is being started."""
        if self._starting or not self._checkpoints.found:
            return
        try:
            changes = shlex.split(self.query_one("#changes", Input).value)
        except ValueError as error:
            self._say(f"The changes cannot be read: {error}.", bad=True)
            return
        self._starting = True
        checkpoint = self._checkpoints.found[self._checkpoints.cursor]
        self.run_worker(self._fork(checkpoint.step, changes, self.query_one("#name", Input).value.strip()))

    async def _fork(self, step: int, changes: Sequence[str], name: str) -> None:
        self._say(f"starting from step {step:,} ...")
        options = ["--at", str(step), "--detach", "--runs-dir", str(self._root)] + (["--name", name] if name else [])
        code, printed, said = await call_accel(["fork", *options, "--", self._folder.name, *changes])
        self._starting = False
        if code == 0 and printed:
            self.dismiss(Forked(printed[-1], self._folder.name, step))
        else:
            lines = [text for text in said if not text.startswith("Starting ")] or [f"fork ended with code {code}"]
            self._say("\n".join(lines), bad=True)
            self._look()  # a run that goes on has others by now

    def _say(self, text: str, *, bad: bool = False) -> None:
        said = self.query_one("#said", Static)
        said.set_class(bad, "-bad")
        said.update(Content(text))


async def call_accel(words: Sequence[str]) -> tuple[int, list[str], list[str]]:
    """Run the command line in a session of its own, which a closed terminal does not end; gives its exit code and the
    lines of its output and of its errors, safe to show.
    """
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "acceltui", *words],
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=said,
            start_new_session=True,
        )
        while (code := process.poll()) is None:
            await asyncio.sleep(LOOK_EVERY)
        return code, _lines(printed), _lines(said)


def _lines(file: IO[bytes]) -> list[str]:
    file.seek(0)
    return [clean(text) for text in file.read().decode("utf-8", "replace").splitlines() if text.strip()]
