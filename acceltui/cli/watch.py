"""One run's status, again and again until the run ends: redrawn in place, as lines, or as objects."""

import json
import os
import shutil
import sys
import time
from typing import Literal

import typer
from rich.cells import cell_len, set_cell_size

from acceltui.cli.follow import LOOK_EVERY, WITH_ENGINE, last_line, progress_line, seen
from acceltui.cli.show import as_object, block, plain_row
from acceltui.runs import wording
from acceltui.runs.folder import RunFolder
from acceltui.runs.notify import notify_crash, signals, what_happened
from acceltui.runs.settings import load_settings
from acceltui.runs.status import Status

Form = Literal["screen", "lines", "plain", "json"]


def watch_status(folder: RunFolder, form: Form, every: float) -> str:
    """Show the status every so many seconds until the run has ended; gives the state it ended in."""
    wanted = load_settings().notify
    screen = Screen()
    before: tuple[str, str] | None = None
    next_shown = 0.0
    while True:
        status, state = seen(folder)
        now = (state, status.stage if status else "")
        ended = state not in WITH_ENGINE
        if ended or time.monotonic() >= next_shown:
            next_shown = time.monotonic() + every
            if form == "screen":
                screen.draw(block(folder))
            else:
                show_line(folder, form, status, state, ended)
        event = what_happened(before, now)
        if event is not None and status is not None:
            message = last_line(folder, status, state) if ended else f"{folder.name} is in stage {status.stage}."
            if form == "screen":
                sys.stdout.write(signals(wanted, event, message))
                sys.stdout.flush()
            if state == "CRASHED":
                notify_crash(wanted, folder, status, message)
        if ended:
            return state
        before = now
        time.sleep(LOOK_EVERY)


def show_line(folder: RunFolder, form: Form, status: Status | None, state: str, ended: bool) -> None:
    """The status as one more line."""
    match form:
        case "json":
            typer.echo(json.dumps(as_object(folder)))
        case "plain":
            typer.echo(plain_row(folder))
        case _ if ended or status is None:
            typer.echo(last_line(folder, status, state))
        case _:
            typer.echo(f"{wording.clock(time.time(), with_seconds=True)} {progress_line(status)}")


class Screen:
    """Lines at the end of what a terminal shows; of these, only those that have changed are written again."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._size: os.terminal_size | None = None

    def draw(self, text: str) -> None:
        """Show these lines in place of those before, as far as the terminal has room."""
        size = shutil.get_terminal_size()
        if (
            size != self._size
        ):  # where lines have wrapped nobody can say where they stand: they are left, and begun anew
            self._lines, self._size = [], size
        before = self._lines
        lines = [fit(line, size.columns - 1) for line in text.splitlines()][: max(size.lines - 1, 1)]
        lines += [""] * (len(before) - len(lines))
        written = []
        for up, (line, old) in zip(range(len(before), 0, -1), zip(lines, before, strict=False), strict=False):
            if line != old:
                written.append(f"\x1b[{up}A{line}\x1b[K\r\x1b[{up}B")
        written += [f"{line}\n" for line in lines[len(before) :]]
        self._lines = lines
        sys.stdout.write("".join(written))
        sys.stdout.flush()


def fit(line: str, width: int) -> str:
    """As much of a line as has room."""
    return line if cell_len(line) <= width else set_cell_size(line, max(width, 0)).rstrip()
