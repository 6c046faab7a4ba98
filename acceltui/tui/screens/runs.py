"""All runs of the runs folder: to look at, to watch another one, to fork."""

from pathlib import Path
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.strip import Strip

from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import RunError, is_run
from acceltui.runs.text import clean
from acceltui.tui.catalog import Catalog, RunLine
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.messages import RunChosen, RunsListed
from acceltui.tui.palette import DIM, ERROR, KEY, PLAIN
from acceltui.tui.screens.fork import Fork, Forked
from acceltui.tui.screens.help import Help
from acceltui.tui.watch import WatchThread
from acceltui.tui.widgets.canvas import Canvas, Span, line
from acceltui.tui.widgets.keys import KeyLine
from acceltui.tui.widgets.runs import RunList

LOOK_EVERY = 1.0


class RunsKeys(KeyLine):
    """The keys of this screen."""

    keys = (
        ("Esc", "Back"),
        ("Enter", "Attach"),
        ("f", "Fork"),
        ("/", "Filter"),
        ("s", "Sort"),
        ("S", "Reverse"),
        ("?", "Help"),
    )


class UnderList(Canvas):
    """The whole name of the run under the cursor, and why it failed; while a filter is typed, that."""

    run: RunLine | None = None
    typed: str | None = None

    def show(self, run: RunLine | None, typed: str | None) -> None:
        """Tell of this run, or what is typed."""
        self.run, self.typed = run, typed
        self.repaint()

    def draw(self, width: int, height: int) -> list[Strip]:
        spans: list[Span] = []
        if self.typed is not None:
            spans = [(" /", KEY), (self.typed, PLAIN), (" ", PLAIN + Style(reverse=True))]
            spans += [] if self.typed else [(" part of a name, recipe or state", DIM)]
        elif self.run is not None:
            spans = [(f" {self.run.folder.name}  ", DIM), (self.run.error, ERROR)]
        return [line(spans, width), *[line([], width)] * (height - 1)][:height]


class RunsScreen(Screen[None]):
    """The list of runs; it looks at the folder while it is open and nothing lies over it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False),
        Binding("q,R", "leave", "Back", show=False),
        Binding("enter", "watch", "Watch", show=False),
        Binding("f", "fork", "Fork", show=False),
        Binding("s", "sort", "Sort", show=False),
        Binding("S", "turn", "Turn", show=False),
        Binding("question_mark,f1", "help", "Help", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "move(-20)", "Up", show=False),
        Binding("pagedown,space", "move(20)", "Down", show=False),
        Binding("home,g", "move(-1000000)", "First", show=False),
        Binding("end,G", "move(1000000)", "Last", show=False),
    ]
    AUTO_FOCUS = ""

    def __init__(self, root: Path, glyphs: Glyphs) -> None:
        super().__init__()
        self.root = root
        self.glyphs = glyphs
        self.list = RunList(glyphs)
        self.under_list = UnderList(glyphs, classes="line")
        self.typing = False
        """Whether keys go into the filter."""
        self.keys = RunsKeys(glyphs, classes="line")
        self._catalog = Catalog(root)
        self._thread: WatchThread | None = None

    def compose(self) -> ComposeResult:
        yield self.list
        yield self.under_list
        yield self.keys

    def start_at(self, folder: RunFolder) -> None:
        """Open with the cursor on this run."""
        self.list.await_run(folder.name)

    def on_screen_resume(self) -> None:
        self._thread = WatchThread(self._look, LOOK_EVERY)
        self._thread.start()

    def on_screen_suspend(self) -> None:
        self._stop()

    def on_unmount(self) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._thread is not None:
            self._thread.stop()

    def _look(self) -> bool:
        """Called by the thread; it was all there is to see."""
        runs: list[RunLine] = []
        trouble = ""
        try:
            runs = self._catalog.look()
        except (RunError, OSError) as error:
            trouble = clean(error)
        self.post_message(RunsListed(runs, trouble))
        return False

    def on_runs_listed(self, message: RunsListed) -> None:
        self.list.show(message.runs, message.trouble)

    def on_run_list_moved(self) -> None:
        self.under_list.show(self.list.run, self.list.filter if self.typing else None)

    def on_key(self, event: events.Key) -> None:
        """Type the filter. Bindings and a focus come later than the key does: of `/ab` in one go they miss the `ab`."""
        if not self.typing and event.key != "slash":
            return
        before, self.typing = self.list.filter, True
        match event.key:
            case "slash" if not before:
                pass
            case "enter":
                self.typing = False
            case "escape":
                self.typing = bool(before)
                self.list.filter_by("")
            case "backspace":
                self.list.filter_by(before[:-1])
            case _ if event.is_printable:
                self.list.filter_by(before + (event.character or ""))
            case _:
                return
        event.stop()
        self.on_run_list_moved()

    def on_paste(self, event: events.Paste) -> None:
        if self.typing:
            self.list.filter_by(self.list.filter + clean(event.text))

    def action_back(self) -> None:
        """One layer back: empty the filter, or leave."""
        if self.list.filter:
            self.list.filter_by("")
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Back to the dashboard as it was."""
        self.dismiss()

    def action_move(self, lines: int) -> None:
        """Move the cursor."""
        self.list.move(lines)

    def action_sort(self) -> None:
        """Sort by the next column."""
        self.list.sort_next()

    def action_turn(self) -> None:
        """Sort the other way round."""
        self.list.turn()

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help())

    def action_watch(self) -> None:
        """Show this run in the dashboard."""
        if folder := self._chosen():
            self.app.post_message(RunChosen(folder))

    def action_fork(self) -> None:
        """Start a new run from a checkpoint of this one."""
        if folder := self._chosen():
            self.app.push_screen(Fork(folder, self.root, self.glyphs), self._forked)

    def _chosen(self) -> RunFolder | None:
        """The folder under the cursor, if it is still there."""
        run = self.list.run
        if run is None:
            return None
        if not is_run(run.folder.path):
            self.keys.say(f"{run.folder.name} is gone", urgent=True)
            return None
        return run.folder

    def _forked(self, forked: Forked | None) -> None:
        if forked is not None:
            self.list.filter_by("")
            self.list.await_run(forked.name)
            self.keys.say(f"{forked.name} runs from step {forked.step:,} of {forked.origin}; Enter attaches")
