"""The terminal application: `attach` shows one run until the person at the keyboard leaves."""

import os
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from acceltui.runs.folder import RunFolder
from acceltui.tui.glyphs import Glyphs, choose_glyphs
from acceltui.tui.leave import HangupGuard, terminal_is_there
from acceltui.tui.messages import RunChanged
from acceltui.tui.palette import THEME
from acceltui.tui.screens.dashboard import Dashboard
from acceltui.tui.watch import Snapshot, Watch, WatchThread
from acceltui.tui.widgets.header import why_not_running


class AccelApp(App[None]):
    """One run on the screen. Reads its folder, never the engine."""

    CSS_PATH = "accel.tcss"
    TITLE = "accel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Detach"),
        Binding("ctrl+q", "quit", "Detach", show=False, priority=True),
        Binding("ctrl+c", "quit", "Detach", show=False, priority=True),
    ]

    def __init__(self, folder: RunFolder, glyphs: Glyphs) -> None:
        # With NO_COLOR the terminal's own two colours are left alone; Textual would otherwise paint in grey.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.folder = folder
        self.glyphs = glyphs
        self.snapshot: Snapshot | None = None
        self.animation_level = "none"
        self.register_theme(THEME)
        self.theme = THEME.name
        self.dashboard = Dashboard(folder, glyphs)
        self._watch_thread = WatchThread(Watch(folder), self._report)
        self.guard = HangupGuard(self.exit)

    def get_default_screen(self) -> Dashboard:
        return self.dashboard

    def on_mount(self) -> None:
        self.guard.install()
        self._watch_thread.start()

    def on_unmount(self) -> None:
        self._watch_thread.stop()

    def on_run_changed(self, message: RunChanged) -> None:
        self.snapshot = message.snapshot
        self.dashboard.take(message.snapshot)

    def _report(self, snapshot: Snapshot) -> None:
        """Called by the watching thread; posting is the one thing Textual allows it."""
        self.post_message(RunChanged(snapshot))


def farewell(folder: RunFolder, snapshot: Snapshot | None) -> str | None:
    """The line that is printed after leaving."""
    if snapshot is None:
        return None
    if snapshot.alive:
        return f"The engine goes on ({snapshot.state}): accel attach {folder.name}"
    return why_not_running(snapshot).replace(" (key l)", "")


def attach(folder: RunFolder, *, runs_root: Path, glyphs: str | None = None) -> str | None:
    """Show a run until the person leaves; gives the line to print then, None where
    the terminal is gone. ValueError for a name of no glyphs."""
    app = AccelApp(folder, choose_glyphs(glyphs))
    try:
        app.run()
    finally:
        app.guard.finish()
    return farewell(folder, app.snapshot) if terminal_is_there() else None
