"""The terminal application: `attach` shows one run, or others from the list, until the person there leaves."""

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.scrollbar import ScrollBar, ScrollBarRender

from acceltui.runs.folder import RunFolder
from acceltui.runs.notify import notify_crash, signals, what_happened
from acceltui.runs.paths import RunError
from acceltui.runs.settings import Settings, load_settings, settings_path
from acceltui.runs.text import clean
from acceltui.tui.away import Seen
from acceltui.tui.driver import TerminalDriver
from acceltui.tui.glyphs import ASCII, TO_ASCII, Glyphs, choose_glyphs
from acceltui.tui.keys import LEAVE, SCREEN, bindings_of, is_key, key_name
from acceltui.tui.leave import HangupGuard, input_is_open, terminal_is_there
from acceltui.tui.messages import RunChanged, RunChosen
from acceltui.tui.palette import DARK_THEME, LIGHT_THEME, LIGHTEN, choose_theme
from acceltui.tui.screens.dashboard import Dashboard
from acceltui.tui.screens.keyed import KeyedScreen
from acceltui.tui.screens.log import LogScreen
from acceltui.tui.screens.recipe import RecipeScreen
from acceltui.tui.screens.runs import RunsScreen
from acceltui.tui.screens.steering import SteeringScreen
from acceltui.tui.watch import IDLE_INTERVAL, INTERVAL, LOW_INTERVAL, Snapshot, Watch, WatchThread
from acceltui.tui.widgets.header import why_not_running

KEY_EXAMPLES = "Keys are L, ctrl+l, f2, question_mark or the like; several are separated by commas."
SETTLES = 0.02
"""Seconds that a screen which comes or goes is not drawn for: Textual lays it out two or three times by then, and would
send all of it each time."""
DETACH = "detach: the engine goes on"


class WholeCells(ScrollBarRender):
    """A scrollbar without parts of cells, for which there is no ASCII."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8


ScrollBar.renderer = WholeCells


class AccelApp(App[None]):
    """One run on the screen. Reads its folder, never the engine."""

    CSS_PATH = "accel.tcss"
    TITLE = "accel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Detach", id="detach", group=LEAVE, tooltip=DETACH),
        Binding("ctrl+q,ctrl+c", "quit", show=False, priority=True, group=LEAVE, tooltip=DETACH),
        Binding("ctrl+p", "command_palette", show=False, id="palette", group=SCREEN, tooltip="find a command by name"),
    ]

    def __init__(
        self,
        folder: RunFolder,
        glyphs: Glyphs,
        runs_root: Path | None = None,
        settings: Settings | None = None,
        *,
        read_only: bool = False,
    ) -> None:
        """`runs_root`: whose runs are listed, by default those beside `folder`; `read_only`: nothing is written,
        neither into run folders nor of when this person looked."""
        # With NO_COLOR the terminal's own two colours are left alone; Textual would otherwise paint in grey.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.folder = folder
        self.glyphs = glyphs
        self.read_only = read_only
        self.snapshot: Snapshot | None = None
        self.settings = settings or Settings()
        self._seen_last: tuple[str, str] | None = None
        """State and stage of the run at the last look."""
        self.set_keymap(self.settings.keys)
        self.animation_level = "none"
        for theme in (DARK_THEME, LIGHT_THEME):
            self.register_theme(theme)
        self.theme = choose_theme(self.settings.theme).name
        self.dashboard = Dashboard(folder, glyphs, read_only)
        self.runs = RunsScreen(
            runs_root or folder.path.parent, glyphs, read_only, low_bandwidth=self.settings.low_bandwidth
        )
        self._watch_thread = self._watch_run()
        self.guard = HangupGuard(self.exit)

    def get_default_screen(self) -> Dashboard:
        return self.dashboard

    def get_driver_class(self) -> type[Driver]:
        found = super().get_driver_class()  # in a browser, another one
        return TerminalDriver if found is LinuxDriver else found

    def get_line_filters(self) -> Sequence[LineFilter]:
        light = [] if self.current_theme.dark else [LIGHTEN]
        ascii = [TO_ASCII] if self.glyphs is ASCII else []
        return [*light, *super().get_line_filters(), *ascii]

    def on_mount(self) -> None:
        self.guard.install(input_is_open if self.is_web else terminal_is_there)
        self.install_screen(self.runs, "runs")
        self._watch_thread.start()

    def on_unmount(self) -> None:
        self._watch_thread.stop()

    def on_run_changed(self, message: RunChanged) -> None:
        # Of the run before, a last look may come late; and one may come while the application ends.
        if message.folder == self.folder and self.is_running:
            self.snapshot = message.snapshot
            self._tell(message.snapshot)
            self.dashboard.take(message.snapshot)
            if message.snapshot.read == 1:
                gc.enable()

    def _tell(self, snapshot: Snapshot) -> None:
        """Ring, or run the hook of an engine that can do so no more, when the run has come to another state."""
        before, self._seen_last = self._seen_last, (snapshot.state, snapshot.status.stage)
        if event := what_happened(before, self._seen_last):
            message = farewell(self.folder, snapshot)
            if event == "switch":
                message = f"{self.folder.name} is in stage {snapshot.status.stage}."
            if self._driver is not None:
                self._driver.write(signals(self.settings.notify, event, message))
            if snapshot.state == "CRASHED" and not self.read_only:
                notify_crash(self.settings.notify, self.folder, snapshot.status, message)

    def get_system_commands(self, screen: Screen[None]) -> Iterator[SystemCommand]:
        """What the palette finds: all that has a key here, and the other theme."""
        for binding in bindings_of(screen):
            if binding.action != "command_palette":
                yield SystemCommand(binding.tooltip, key_name(binding.key), partial(self.simulate_key, binding.key))
        other = LIGHT_THEME if self.current_theme.dark else DARK_THEME
        yield SystemCommand("light theme, or dark", other.name, partial(setattr, self, "theme", other.name))

    def push_screen(self, *arguments: Any, **keywords: Any) -> Any:
        if self.settings.low_bandwidth:  # else what comes first is to be seen at once
            self.delay_update(SETTLES)
        return super().push_screen(*arguments, **keywords)

    def pop_screen(self) -> AwaitComplete:
        self.delay_update(SETTLES)
        return super().pop_screen()

    def action_runs(self) -> None:
        """List all runs; one can be chosen there."""
        self.runs.start_at(self.folder)
        self.push_screen(self.runs)

    async def on_run_chosen(self, message: RunChosen) -> None:
        """Show that run in the dashboard, and then the dashboard."""
        if message.folder != self.folder:
            self._watch_thread.stop()
            self.folder, self.snapshot, self._seen_last = message.folder, None, None
            await self.dashboard.change_to(message.folder)
            self._watch_thread = self._watch_run()
            self._watch_thread.start()
        if self.screen is self.runs:  # no second Enter has been quicker
            self.pop_screen()

    def _watch_run(self) -> WatchThread:
        folder, watch, seen = self.folder, Watch(self.folder), Seen(self.folder)
        self.dashboard.seen = seen.last()

        def look() -> bool:
            if not self.read_only:
                seen.note()
            snapshot = watch.poll()
            self.post_message(RunChanged(folder, snapshot))  # the one thing that Textual allows another thread
            idle = snapshot.state == "PAUSED" or not snapshot.alive
            thread.interval = max(usual, IDLE_INTERVAL if idle else INTERVAL)
            return snapshot.read < 1

        usual = LOW_INTERVAL if self.settings.low_bandwidth else INTERVAL
        thread = WatchThread(look, usual)
        return thread


def farewell(folder: RunFolder, snapshot: Snapshot) -> str:
    """The line that is printed after leaving."""
    if snapshot.alive:
        return f"The engine goes on ({snapshot.state}): accel attach {folder.name}"
    return why_not_running(snapshot).replace(" (key l)", "")


def actions() -> list[str]:
    """What can have another key: all that the app and its screens bind, and what they inherit."""
    # In the order in which they are told: what steers a run before what only the dashboard has.
    owners = (AccelApp, KeyedScreen, SteeringScreen, Dashboard, RunsScreen, LogScreen, RecipeScreen)
    classes = dict.fromkeys(one for owner in owners for one in owner.__mro__)
    found = (binding.id for one in classes for binding in vars(one).get("BINDINGS", ()) if isinstance(binding, Binding))
    return list(dict.fromkeys(id for id in found if id))


def chosen_settings(*, glyphs: str | None = None, theme: str | None = None, low_bandwidth: bool = False) -> Settings:
    """This person's settings, with what the command line says; RecipeError or RunError for what cannot be."""
    settings = load_settings()
    for name in settings.keys:
        if name not in actions():
            known = ", ".join(actions())
            raise RunError(f"{settings_path()}: keys: there is no action {clean(name)!r}. There are {known}.")
    for name, keys in settings.keys.items():
        if wrong := [key for key in keys.split(",") if not is_key(key)]:
            raise RunError(f"{settings_path()}: keys.{name}: {clean(wrong[0])!r} is no key. {KEY_EXAMPLES}")
    asked: dict[str, Any] = {"glyphs": glyphs, "theme": theme, "low_bandwidth": low_bandwidth}
    return replace(settings, **{name: value for name, value in asked.items() if value})


def attach(
    folder: RunFolder,
    *,
    runs_root: Path,
    glyphs: str | None = None,
    theme: str | None = None,
    low_bandwidth: bool = False,
    read_only: bool = False,
) -> str | None:
    """Show a run until the person leaves; gives the line to print then, None where
    the terminal is gone. ValueError for a name of no glyphs, RecipeError or RunError for settings that cannot be."""
    settings = chosen_settings(glyphs=glyphs, theme=theme, low_bandwidth=low_bandwidth)
    drawn_with = choose_glyphs(None if settings.glyphs == "auto" else settings.glyphs)
    if drawn_with is not ASCII and isinstance(sys.__stderr__, TextIOWrapper):
        # Textual writes there. Who asks for such characters in a locale without them knows the terminal better.
        sys.__stderr__.reconfigure(encoding="utf-8")
    app = AccelApp(folder, drawn_with, runs_root, settings, read_only=read_only)
    try:
        app.run()
    finally:
        app.guard.finish()
        if not read_only:
            Seen(app.folder).note(leaving=True)
    if not terminal_is_there():
        return None
    # Who leaves before the first look has come is told nevertheless.
    return farewell(app.folder, app.snapshot or Watch(app.folder).poll())
