"""The end of the engine's log."""

import contextlib
import os
import re
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from acceltui.runs.files import READ_FLAGS
from acceltui.runs.folder import RunFolder
from acceltui.runs.text import clean
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.keys import LEAVE, READING
from acceltui.tui.palette import ERROR, PLAIN, WARNING
from acceltui.tui.screens.reading import ReadingScreen
from acceltui.tui.widgets.lines import TextLine

TAIL = 256 * 1024
"""Bytes of the log's end that are shown."""
SEVERE = re.compile(r"\b(error|exception|traceback|failed|crash\w*)\b|\w+Error\b", re.IGNORECASE)
DOUBTFUL = re.compile(r"warn(ing)?\b", re.IGNORECASE)


def read_tail(folder: RunFolder) -> list[str]:
    """Last lines of engine.log, safe to show; what a carriage return overwrote is gone, as on a terminal."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder.log, READ_FLAGS | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size
            file.seek(max(size - TAIL, 0))
            lines = file.read(TAIL).decode("utf-8", "replace").split("\n")
        lines = lines[1:] if size > TAIL else lines
        return [clean(text.rstrip("\r").rpartition("\r")[2]) for text in lines[: -1 if lines[-1] == "" else None]]
    return []


def log_line(text: str) -> TextLine:
    """A line by its severity, as far as words tell it."""
    if SEVERE.search(text):
        return TextLine(text, ERROR, matters=True)
    return TextLine(text, WARNING, matters=True) if DOUBTFUL.search(text) else TextLine(text, PLAIN)


class LogScreen(ReadingScreen):
    """The log over the dashboard."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "dismiss", show=False, group=LEAVE, tooltip="leave"),
        Binding("w", "severe", "Warnings", id="warnings", group=READING, tooltip="only warnings and errors, or all"),
    ]

    def __init__(self, folder: RunFolder, glyphs: Glyphs) -> None:
        super().__init__(glyphs, "engine.log", "The log is empty.")
        self._folder = folder

    def read(self) -> tuple[Sequence[TextLine], str]:
        lines = [log_line(text) for text in read_tail(self._folder)]
        severe = sum(one.matters for one in lines)
        return lines, f"{severe} warnings and errors" if severe else ""

    def action_severe(self) -> None:
        """Show only warnings and errors, or all."""
        self.view.empty = "The log is empty." if self.view.only else "There are no warnings or errors."
        self.view.show_only(not self.view.only)
