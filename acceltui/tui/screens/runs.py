"""All runs of the runs folder: to look at, to watch another one, to fork, to compare, to tag."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from acceltui.runs.folder import RunFolder
from acceltui.runs.notes import Notes, read_notes, write_notes
from acceltui.runs.paths import RunError, is_run
from acceltui.runs.text import clean
from acceltui.tui.catalog import Catalog, RunLine
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.keys import LEAVE, LIST, bindings_of, key_line
from acceltui.tui.messages import RunChosen, RunsListed
from acceltui.tui.screens.compare import Compare
from acceltui.tui.screens.fork import Fork, Forked
from acceltui.tui.screens.keyed import KeyedScreen
from acceltui.tui.sweeps import SweepCatalog, SweepLine
from acceltui.tui.watch import WatchThread
from acceltui.tui.widgets.entry import Entry, EntryLine
from acceltui.tui.widgets.keys import KeyLine
from acceltui.tui.widgets.runs import MOST_SELECTED, RunList
from acceltui.tui.widgets.sweeps import SweepLines

LOOK_EVERY, LOW_LOOK_EVERY = 1.0, 10.0
"""Seconds between two looks; the same on a slow line."""


class RunsScreen(KeyedScreen):
    """The list of runs; it looks at the folder while it is open and nothing lies over it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", group=LEAVE, tooltip="empty the filter; select none; leave"),
        Binding("q,R", "leave", show=False, group=LEAVE, tooltip="leave"),
        Binding("enter", "watch", "Attach", group=LIST, tooltip="show this run in the dashboard"),
        Binding("f", "fork", "Fork", id="fork", group=LIST, tooltip="start a new run from a checkpoint of this one"),
        Binding("slash", "filter", "Filter", group=LIST, tooltip="by name, state, tag, note, or recipe: seed=2"),
        Binding("s", "sort", "Sort", id="sort", group=LIST, tooltip="sort by the next column"),
        Binding("space", "select", "Select", id="select", group=LIST, tooltip="select up to eight"),
        Binding("c", "compare", "Compare", id="compare", group=LIST, tooltip="compare the selected runs"),
        Binding("T", "tag", "Tag", group=LIST, tooltip="tag this run: +good -bad"),
        Binding("n", "note", "Note", group=LIST, tooltip="a note on this run"),
        Binding("S", "turn", "Reverse", id="reverse", group=LIST, tooltip="sort the other way round"),
        Binding("up,k", "move(-1)", show=False, group=LIST, tooltip="up"),
        Binding("down,j", "move(1)", show=False, group=LIST, tooltip="down"),
        Binding("pageup", "move(-20)", show=False, group=LIST, tooltip="up"),
        Binding("pagedown", "move(20)", show=False, group=LIST, tooltip="down"),
        Binding("home,g", "move(-1000000)", show=False, group=LIST, tooltip="to the first"),
        Binding("end,G", "move(1000000)", show=False, group=LIST, tooltip="to the last"),
    ]
    AUTO_FOCUS = ""

    def __init__(self, root: Path, glyphs: Glyphs, read_only: bool = False, *, low_bandwidth: bool = False) -> None:
        super().__init__(read_only)
        self.root = root
        self.every = LOW_LOOK_EVERY if low_bandwidth else LOOK_EVERY
        self.glyphs = glyphs
        self.sweeps = SweepLines(glyphs)
        self.list = RunList(glyphs)
        self.under_list = EntryLine(glyphs, classes="line")
        self.keys = KeyLine(glyphs, classes="line")
        self._catalog, self._sweeps = Catalog(root), SweepCatalog(root)
        self._thread: WatchThread | None = None

    def compose(self) -> ComposeResult:
        yield self.sweeps
        yield self.list
        yield self.under_list
        yield self.keys

    def start_at(self, folder: RunFolder) -> None:
        """Open with the cursor on this run."""
        self.list.await_run(folder.name)

    def on_screen_resume(self) -> None:
        self.list.at_once = True
        self._thread = WatchThread(self._look, self.every)
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
        sweeps: list[SweepLine] = []
        trouble = ""
        try:
            runs = self._catalog.look()
            sweeps = self._sweeps.look(runs)
        except (RunError, OSError) as error:
            trouble = clean(error)
        self.post_message(RunsListed(runs, trouble, sweeps))
        return False

    def on_runs_listed(self, message: RunsListed) -> None:
        self.sweeps.show(message.sweeps)
        self.list.show(message.runs, message.trouble)

    def on_run_list_moved(self) -> None:
        self.under_list.show(self.list.run, self.list.not_understood)
        self._show_keys()

    def _show_keys(self) -> None:
        """Name the keys; while runs are selected, what can be done with them comes first."""
        keys = [line for line in key_line(bindings_of(self)) if line[1] != "Detach"]
        if self.list.selected:
            first = [("Esc", "Select none"), *(line for line in keys if line[1] == "Compare")]
            keys = [*first, *(line for line in keys if line[1] not in ("Back", "Compare"))]
        if keys != self.keys.keys:
            self.keys.show_keys(keys)

    def on_key(self, event: events.Key) -> None:
        """Type. Bindings and a focus come later than the key does: of `/ab` in one go they miss the `ab`."""
        if self.under_list.entry is not None:
            typed = self.under_list.type(event)
        else:
            self.under_list.entry = self._begin(event.key)
            typed = self.under_list.entry is not None
        if typed:
            event.stop()
            self.on_run_list_moved()

    def on_paste(self, event: events.Paste) -> None:
        self.under_list.insert(clean(event.text))

    def _begin(self, key: str) -> Entry | None:
        """What a key asks to type; None for none."""
        if key == "slash":
            hint = "part of a name, recipe, state, tag or note; seed=2 online.replay>=10000"
            return Entry("/", hint, self.list.filter, changed=self._filter)
        if key not in ("T", "n") or self.read_only or (folder := self._chosen()) is None:
            return None
        notes = read_notes(folder)
        if key == "n":
            return Entry("note: ", "empty removes it", notes.note, done=lambda text: self._note(folder, text))
        has = f"; has {notes.shown_tags}" if notes.tags else ""
        return Entry("tags: ", f"+add -remove{has}", done=lambda text: self._tag(folder, text))

    def _filter(self, text: str) -> None:
        self.list.filter_by(text)
        if self._catalog.keys != self.list.wanted.keys and self._thread is not None:
            self._catalog.keys = self.list.wanted.keys
            self._thread.look_soon()

    def _tag(self, folder: RunFolder, text: str) -> bool:
        return self._change(folder, lambda notes: notes.tagged(text.split()))

    def _note(self, folder: RunFolder, text: str) -> bool:
        return self._change(folder, lambda notes: notes.noted(text))

    def _change(self, folder: RunFolder, change: Callable[[Notes], Notes]) -> bool:
        """Change what is noted of a run; whether that went well is told."""
        try:
            notes = change(read_notes(folder))
            write_notes(folder, notes)
        except RunError as error:
            self.say(str(error), urgent=True)
        except OSError as error:
            self.say(f"{folder.notes.name} of {folder.name} cannot be written: {error.strerror}", urgent=True)
        else:
            self.say(f"{folder.name}: {notes.text or 'no tags, no note'}")
            return True
        return False

    def action_back(self) -> None:
        """One layer back: empty the filter, select none, or leave."""
        if self.list.filter:
            self._filter("")
        elif self.list.selected:
            self.list.select_none()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Back to the dashboard as it was."""
        self.dismiss()

    def action_move(self, lines: int) -> None:
        """Move the cursor."""
        self.list.move(lines)

    def action_select(self) -> None:
        """Select this run for a comparison, or no longer."""
        if not self.list.toggle():
            self.say(f"{MOST_SELECTED} runs are selected, more cannot be compared", urgent=True)

    def action_compare(self) -> None:
        """Compare the selected runs, or look closer at this one."""
        if folders := self.list.chosen_folders():
            hint = "" if self.list.selected else "space in the list selects runs, c then compares them"
            self.app.push_screen(Compare(folders, self.glyphs, hint))

    def action_sort(self) -> None:
        """Sort by the next column."""
        self.list.sort_next()

    def action_turn(self) -> None:
        """Sort the other way round."""
        self.list.turn()

    def to_copy(self) -> tuple[str, str]:
        path = str(self.list.run.folder.path) if self.list.run else ""
        return path, path

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
            self.say(f"{run.folder.name} is gone", urgent=True)
            return None
        return run.folder

    def _forked(self, forked: Forked | None) -> None:
        if forked is not None:
            self._filter("")
            self.list.await_run(forked.name)
            self.say(f"{forked.name} runs from step {forked.step:,} of {forked.origin}; Enter attaches")
