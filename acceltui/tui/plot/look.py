"""What a plot shows, and what of it: without a terminal or a curve drawn."""

from dataclasses import dataclass, replace

from acceltui.tui.plot import axes
from acceltui.tui.plot.traces import Curve


@dataclass(frozen=True)
class VerticalMark:
    """A line through the plot at one x."""

    x: float
    label: str


@dataclass(frozen=True)
class View:
    """What a plot can show."""

    title: str
    curves: tuple[Curve, ...]
    log_y: bool = False


@dataclass(frozen=True)
class Look:
    """What of the x axis is shown, and how; plots that are looked at together share it."""

    stop: float = 1.0
    """End of the whole axis, which begins at 0."""
    window: tuple[float, float] | None = None
    """Part of it that is shown; None for all."""
    at: float | None = None
    """x of the crosshair."""
    smoothing: float = 0.0
    """Weight of the past in a moving average, in [0, 1)."""
    seconds: bool = False
    """Whether x is time in seconds."""

    @property
    def shown(self) -> tuple[float, float]:
        """First and last x that are shown."""
        return self.window or (0.0, self.stop)

    @property
    def unit(self) -> axes.Unit:
        """What the x axis is labelled in."""
        first, last = self.shown
        return axes.time_unit(last - first) if self.seconds else axes.STEPS

    def zoom(self, factor: float, around: float) -> "Look":
        """Show less (`factor` below 1) or more of the axis; `around` stays where it is."""
        first, last = self.shown
        width = max(factor * (last - first), self.stop * 1e-4)
        return self._show(around - (around - first) * width / (last - first), width)

    def pan(self, share: float) -> "Look":
        """Move the window by a share of its width."""
        first, last = self.shown
        return self._show(first + share * (last - first), last - first)

    def _show(self, first: float, width: float) -> "Look":
        if width >= self.stop:
            return replace(self, window=None)
        first = min(max(first, 0.0), self.stop - width)
        return replace(self, window=(first, first + width))
