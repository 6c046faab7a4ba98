"""A screen of plots over one x axis: keys and mouse choose what of it is shown, and how."""

from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType

from acceltui.tui.keys import CURVES
from acceltui.tui.plot.look import Look
from acceltui.tui.plot.traces import Source
from acceltui.tui.plot.widget import Plot
from acceltui.tui.screens.keyed import KeyedScreen

SMOOTHINGS = (0.0, 0.6, 0.9)
"""Weights of the past that the key goes through."""
STEP = 1 / 8
"""Of what is shown, that a key moves it by."""


class PlotScreen(KeyedScreen):
    """What its plots have in common is in `look`; subclasses show it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left",
            "sideways(-1)",
            show=False,
            id="left",
            group=CURVES,
            tooltip="earlier; with values shown, the crosshair to the left",
        ),
        Binding(
            "right", "sideways(1)", show=False, id="right", group=CURVES, tooltip="later; the crosshair to the right"
        ),
        Binding("plus,equals_sign", "zoom(0.5)", show=False, id="zoom-in", group=CURVES, tooltip="less of the x axis"),
        Binding("minus", "zoom(2)", show=False, id="zoom-out", group=CURVES, tooltip="more of it"),
        Binding("0", "whole", show=False, id="whole", group=CURVES, tooltip="all of it"),
        Binding(
            "i",
            "inspect",
            show=False,
            id="inspect",
            group=CURVES,
            tooltip="read values at a crosshair, moved by left and right",
        ),
        Binding(
            "v",
            "view",
            show=False,
            id="view",
            group=CURVES,
            tooltip="other curves in the chosen plot: success, gradient norms, speed, all that is measured",
        ),
        Binding(
            "y",
            "log_y",
            show=False,
            id="log-y",
            group=CURVES,
            tooltip="logarithmic y axis of the chosen plot, or linear",
        ),
        Binding("m", "smooth", show=False, id="smooth", group=CURVES, tooltip="smooth all curves: 0.6, 0.9, off"),
        Binding("t", "clock", show=False, id="time", group=CURVES, tooltip="over the time of training, or over steps"),
    ]

    def __init__(self, read_only: bool = False) -> None:
        super().__init__(read_only)
        self.look = Look()

    def show_plots(self) -> None:
        """Draw all plots by `look`, where there is anything to draw."""
        raise NotImplementedError

    def chosen_plot(self) -> Plot:
        """The one that keys are about."""
        raise NotImplementedError

    def source(self) -> Source | None:
        """What is plotted, over steps or time by `look`; None before there is any."""
        raise NotImplementedError

    def newest(self) -> float:
        """The last x that anything was measured at."""
        raise NotImplementedError

    def look_again(self, look: Look) -> None:
        """Show the plots another way."""
        self.look = look
        self.show_plots()

    def on_plot_pointed(self, message: Plot.Pointed) -> None:
        self.look_again(replace(self.look, at=message.x))

    def on_plot_turned(self, message: Plot.Turned) -> None:
        self.look_again(self.look.zoom(message.factor, message.around))

    def on_plot_dragged(self, message: Plot.Dragged) -> None:
        self.look_again(self.look.pan(message.share))

    def action_zoom(self, factor: float) -> None:
        """Show less or more of the x axis, around the crosshair if it is shown, or the middle of what was measured: of
        a run that has just begun, the middle of the axis is empty."""
        first, last = self.look.shown
        at = self.look.at
        if at is None or not first <= at <= last:
            at = (first + min(max(self.newest(), first), last)) / 2
        self.look_again(self.look.zoom(factor, at))

    def action_whole(self) -> None:
        """Show all of the x axis."""
        self.look_again(replace(self.look, window=None))

    def action_inspect(self) -> None:
        """Read values at a crosshair, from the newest on; or the newest again."""
        first, last = self.look.shown
        at = min(max(self.newest(), first), last) if self.look.at is None else None
        self.look_again(replace(self.look, at=at))

    def action_sideways(self, direction: int) -> None:
        """Move the crosshair by a cell where it is shown, else what is shown of the x axis."""
        if self.look.at is None:
            self.look_again(self.look.pan(direction * STEP))
            return
        at = self.look.at + direction * self.chosen_plot().cell
        first, last = self.look.shown
        look = self.look if first <= at <= last else self.look.pan(direction * STEP)
        first, last = look.shown
        self.look_again(replace(look, at=min(max(at, first), last)))

    def action_log_y(self) -> None:
        """Make the y axis of the chosen plot logarithmic, or linear again."""
        self.chosen_plot().turn_log()

    def action_view(self) -> None:
        """Show other curves in the chosen plot: the next that have any points."""
        if source := self.source():
            self.chosen_plot().next_view(source)
            self.show_plots()

    def action_smooth(self) -> None:
        """Average all curves more, or no longer."""
        at = SMOOTHINGS.index(self.look.smoothing)
        self.look_again(replace(self.look, smoothing=SMOOTHINGS[(at + 1) % len(SMOOTHINGS)]))

    def action_clock(self) -> None:
        """Plot over the time of training, or over steps again."""
        self.look_again(replace(self.look, seconds=not self.look.seconds, window=None, at=None))
