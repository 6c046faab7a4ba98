"""The dashboard of one run: curves, buffers, speed, machine, events, and the keys that steer it."""

import math
import time
from dataclasses import replace
from typing import ClassVar

import numpy as np
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import run_title
from acceltui.runs.wording import value
from acceltui.tui.away import meanwhile
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.keys import RUN, SCREEN, bindings_of, key_line
from acceltui.tui.messages import Notice
from acceltui.tui.palette import DONE, PLAIN
from acceltui.tui.plot import axes
from acceltui.tui.plot.look import VerticalMark
from acceltui.tui.plot.traces import Source, nearest
from acceltui.tui.plot.widget import Plot
from acceltui.tui.screens.log import LogScreen
from acceltui.tui.screens.recipe import RecipeScreen
from acceltui.tui.screens.steering import SteeringScreen
from acceltui.tui.series import CLOCK, Clocked
from acceltui.tui.views import ACTORS, VIEWS, other_views
from acceltui.tui.watch import Snapshot
from acceltui.tui.widgets.banner import Banner
from acceltui.tui.widgets.canvas import Panel
from acceltui.tui.widgets.events import Events, Tail
from acceltui.tui.widgets.facts import Buffers, Machine, Speed, Values
from acceltui.tui.widgets.header import Header, state_style, why_not_running
from acceltui.tui.widgets.health import Health
from acceltui.tui.widgets.keys import KeyLine

FULL_SIZE = (96, 30)
"""Columns and rows from which on all panels are shown at once."""
SMALL_SIZE = (50, 12)
"""Columns and rows below which there is no room for a plot."""
TALL = 52
"""Rows from which on the events get more of them."""
AWAY_SHOWN = 120.0
"""Seconds for which is said what happened while nobody looked."""
PANELS = ("return", "losses", "cloning", "events")
"""Panels by their digit."""


class Dashboard(SteeringScreen):
    """Shows snapshots of a run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "app.runs", "Runs", id="runs", group=SCREEN, tooltip="all runs: attach, fork, filter"),
        Binding("l", "log", "Log", id="log", group=RUN, tooltip="the engine's log"),
        Binding(
            "r", "recipe", "Recipe", id="recipe", group=RUN, tooltip="the recipe, and what of it is not the default"
        ),
        *(
            Binding(
                str(number),
                f"choose({number})",
                "Zoom",
                id=f"panel-{number}",
                group=SCREEN,
                tooltip="choose a panel; the same key again enlarges it",
            )
            for number in range(1, 5)
        ),
        Binding("tab", "next(1)", show=False, priority=True, id="next-panel", group=SCREEN, tooltip="the next panel"),
        Binding(
            "shift+tab",
            "next(-1)",
            show=False,
            priority=True,
            id="panel-before",
            group=SCREEN,
            tooltip="the panel before",
        ),
        Binding(
            "enter,z", "enlarge", show=False, id="enlarge", group=SCREEN, tooltip="enlarge the chosen panel, and back"
        ),
        Binding("escape", "back", show=False, id="back", group=SCREEN, tooltip="one layer back"),
    ]
    AUTO_FOCUS = ""

    def __init__(self, folder: RunFolder, glyphs: Glyphs, read_only: bool = False) -> None:
        super().__init__(folder, read_only)
        self.glyphs = glyphs
        self._shown: Snapshot | None = None
        self._ready = False
        self.chosen = PANELS[0]
        self.enlarged = False
        self.seen: float | None = None
        """When this person last looked at the run."""
        self._clocked: Clocked | None = None

    def compose(self) -> ComposeResult:
        glyphs = self.glyphs
        yield Header(glyphs, id="header")
        yield Banner(glyphs, id="reason")
        yield Banner(glyphs, id="away")
        yield Health(glyphs, id="health")
        with Vertical(id="panels"):
            yield Plot(glyphs, VIEWS["return"], read=value, number=1, id="return")
            with Horizontal(id="pair"):
                yield Plot(glyphs, VIEWS["losses"], read=value, number=2, id="losses")
                yield Plot(glyphs, VIEWS["cloning"], read=value, number=3, id="cloning")
            with Horizontal(id="facts"):
                yield Buffers(glyphs, "Buffers", id="buffers")
                yield Speed(glyphs, "Speed", id="speed")
                yield Machine(glyphs, "Machine", id="machine")
            yield Events(glyphs, "Events", number=4, id="events")
        yield Values(glyphs, id="values")
        yield Tail(glyphs, id="tail")
        yield KeyLine(glyphs, id="keys", classes="line")

    def on_mount(self) -> None:
        self._begin()

    async def change_to(self, folder: RunFolder) -> None:
        """Show another run from now on, in new widgets: what these hold belongs to the run before."""
        self.workers.cancel_node(self)
        self.steer(folder)
        self._shown, self._ready = None, False
        self.look = replace(self.look, window=None, at=None)
        await self.recompose()
        self._begin()

    def _begin(self) -> None:
        """Wait for the first look at the run."""
        self.query_one(Header).run_title = run_title(self.folder.name)
        self.query_one(Header).read_only = self.read_only
        for banner in self.query(Banner):
            banner.display = False
        self.query_one(KeyLine).show_keys(key_line(bindings_of(self)))
        self._arrange()
        self._ready = True

    def on_resize(self, event: events.Resize) -> None:
        for banner in self.query(Banner):
            banner.fit(event.size.width)
        self._arrange()

    def take(self, snapshot: Snapshot) -> None:
        """Take a newer look at the run. Called, not posted, and shown only when no dialog lies over this screen: there
        Textual would send the whole screen for each message and each change.
        """
        if self._clocked is None or self._clocked.history is not snapshot.history:
            self._clocked = Clocked(snapshot.history)
        self.snapshot = snapshot
        if self._ready and self.app.screen_stack[-1:] == [self]:  # no screen is left while the application ends
            self._show(snapshot)

    def on_screen_resume(self) -> None:
        if self._ready and self.snapshot is not None:
            self._show(self.snapshot)

    def _show(self, snapshot: Snapshot) -> None:
        """Hand a snapshot to the widgets, each of which sends only what differs."""
        before, self._shown = self._shown, snapshot
        self.remove_class("-waiting")
        self.query_one(Header).show(snapshot)
        self.query_one("#reason", Banner).show(why_not_running(snapshot), state_style(snapshot.state))
        self.query_one(Health).show(snapshot.progress.health if snapshot.alive else ())
        self.query_one(KeyLine).show_paused(snapshot.progress.paused)
        for panel in (*self.query(Buffers), *self.query(Speed), *self.query(Machine), *self.query(Values)):
            panel.show(snapshot)
        if before is None and self.seen is not None:
            said = meanwhile(snapshot.events, self.seen, time.time())
            self.query_one("#away", Banner).show(said, DONE)
            self.set_timer(AWAY_SHOWN, self.forget_away)
        if before is None or before.events != snapshot.events:
            self.query_one(Events).show(snapshot.events)
            self.query_one(Tail).show(snapshot.events)
        if before is None or plotted(before) != plotted(snapshot):
            self._show_plots(snapshot)

    def forget_away(self) -> None:
        """What happened meanwhile was read by now."""
        self.query_one("#away", Banner).show("", PLAIN)

    def on_notice(self, message: Notice) -> None:
        self.say(message.text, urgent=message.urgent)

    def _show_plots(self, snapshot: Snapshot) -> None:
        progress, history = snapshot.progress, snapshot.history
        stop = progress.budget or axes.roomy(history.step)
        if self.look.seconds:
            stop = axes.roomy(history.last(CLOCK))
        self.look = replace(self.look, stop=stop)
        marks = []
        if progress.switch_step is not None:
            at = np.array([progress.switch_step])
            marks = [VerticalMark((history.seconds(at) if self.look.seconds else at).item(), "switch")]
        source = self._clocked if self.look.seconds and self._clocked else history
        for plot in self.query(Plot):
            rule = progress.rule if plot.id == "return" and snapshot.status.stage == "accelerate" else ""
            notes = (self._measured(plot), self._success(plot), rule)
            plot.show(source, self.look, marks, [note for note in notes if note])

    def _measured(self, plot: Plot) -> str:
        """How the values of the evaluations were come by."""
        if plot.id != "return" or self._shown is None:
            return ""
        episodes = self._shown.history.last("transformer/episodes")
        of = f"n={episodes:.0f}" if math.isfinite(episodes) else ""
        return f"mean{self.glyphs.plus_minus}std, {of}" if plot.shown.title == "Return" and of else of

    def _success(self, plot: Plot) -> str:
        """Beside returns, the newest share of episodes that succeeded, where the environment tells."""
        if plot.id != "return" or plot.shown.title != "Return" or self._shown is None:
            return ""
        shares = [self._shown.history.last(f"{who}/success") for who in reversed(ACTORS)]
        share = next((share for share in shares if math.isfinite(share)), math.nan)
        return f"success {share:.0%}" if math.isfinite(share) else ""

    def _arrange(self) -> None:
        """Choose the layout for the size of the terminal."""
        width, height = self.app.size
        full = width >= FULL_SIZE[0] and height >= FULL_SIZE[1]
        tiny = width < SMALL_SIZE[0] or height < SMALL_SIZE[1]
        # All at once: each change of a class styles the whole screen anew.
        self.update_classes(
            {
                "-waiting": self._shown is None,
                "-full": full,
                "-compact": not full and not tiny,
                "-tiny": tiny,
                "-tall": full and height >= TALL,
                "-single": self.enlarged or not full,
            }
        )
        for name in PANELS:
            self.query_one(f"#{name}").set_class(name == self.chosen, "-chosen")
        self.query_one("#pair").set_class(self.chosen in ("losses", "cloning"), "-chosen")

    def _choose(self, name: str) -> None:
        self.chosen = name
        self._arrange()
        self.query_one(f"#{name}", Panel).focus()

    def action_choose(self, number: int) -> None:
        """Choose a panel by its digit; the digit of the chosen one enlarges it, or makes it small again."""
        name = PANELS[number - 1]
        if name == self.chosen and self.query_one(f"#{name}").has_focus:
            self.action_enlarge()
        self._choose(name)

    def action_next(self, by: int) -> None:
        """Choose the next panel, or the one before."""
        if not any(self.query_one(f"#{name}").has_focus for name in PANELS):
            by = 0 if not self.has_class("-single") else by
        self._choose(PANELS[(PANELS.index(self.chosen) + by) % len(PANELS)])

    def action_enlarge(self) -> None:
        """Give the chosen panel all the room, or take it back."""
        self.enlarged = not self.enlarged
        self._choose(self.chosen)

    def action_back(self) -> None:
        """One layer back: what happened meanwhile, the crosshair, an enlarged panel, the chosen one."""
        away = self.query_one("#away", Banner)
        if away.display:
            self.forget_away()
        elif self.look.at is not None:
            self.look_again(replace(self.look, at=None))
        elif self.enlarged:
            self.action_enlarge()
        else:
            self.set_focus(None)

    def show_plots(self) -> None:
        if self.snapshot is not None:
            self._show_plots(self.snapshot)

    def newest(self) -> float:
        if self.snapshot is None:
            return 0.0
        history = self.snapshot.history
        return np.nan_to_num(history.last(CLOCK)).item() if self.look.seconds else history.step

    def source(self) -> Source | None:
        return self._clocked if self.look.seconds or self.snapshot is None else self.snapshot.history

    def chosen_plot(self) -> Plot:
        name = self.chosen if self.chosen in VIEWS else PANELS[0]
        return self.query_one(f"#{name}", Plot)

    def action_view(self) -> None:
        """Show other curves in the chosen plot; in that of the losses, behind its own, all that was measured."""
        plot = self.chosen_plot()
        if plot.id == "losses" and self.snapshot is not None:
            plot.views = (*VIEWS["losses"], *other_views(self.snapshot.history.names))
        super().action_view()

    def to_copy(self) -> tuple[str, str]:
        source, plot, at = self.source(), self.chosen_plot(), self.look.at
        if source is None or at is None:
            return str(self.folder.path), str(self.folder.path)
        read = {curve.label: nearest(*source.view(curve.metric), at) for curve in plot.shown.curves}
        rows = [f"{label}\t{point[0]:g}\t{point[1]:g}" for label, point in read.items() if point]
        return f"the values at {value(at)}", "\n".join(rows)

    def action_log(self) -> None:
        """Show the engine's log."""
        self.app.push_screen(LogScreen(self.folder, self.glyphs))

    def action_recipe(self) -> None:
        """Show the recipe."""
        self.app.push_screen(RecipeScreen(self.folder, self.glyphs))


def plotted(snapshot: Snapshot) -> tuple[object, ...]:
    """What plots are drawn from; the rest of a status changes with each heartbeat."""
    progress = snapshot.progress
    return (
        snapshot.rows,
        snapshot.history.version,
        progress.budget,
        progress.switch_step,
        progress.rule,
        snapshot.status.stage,
    )
