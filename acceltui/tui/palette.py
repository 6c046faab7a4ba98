"""Colours and text styles, in one place.

Blue and orange tell series apart for every kind of eye; words say the rest. Every style has the background in it, so
that the dashboard reads the same whatever colours the terminal has. All is drawn in dark colours; on a light theme
each has its light one put in its place on the way to the screen.
"""

import os
from collections.abc import Mapping
from functools import lru_cache

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

BACKGROUND = "#11151a"
SURFACE = "#1a2027"
BLUE = "#4c9be8"
ORANGE = "#f0a03c"
TEXT = "#d5dbe3"
QUIET = "#8b96a5"
FAINT = "#39424e"
ALARM = "#ee6a5f"


def _on_background(color: str, *, bold: bool | None = None) -> Style:
    return Style(color=color, bgcolor=BACKGROUND, bold=bold)


PLAIN = _on_background(TEXT)
STRONG = _on_background(TEXT, bold=True)
DIM = _on_background(QUIET)
FRAME = _on_background("#4a5563")
FRAME_CHOSEN = _on_background(BLUE, bold=True)
GRID = _on_background("#262e37")
MARK = _on_background("#a7b1be")
KEY = _on_background(BLUE, bold=True)
DONE = _on_background(BLUE)
REST = _on_background(FAINT)
WARNING = _on_background(ORANGE, bold=True)
ERROR = _on_background(ALARM, bold=True)
CHOSEN = Style(bgcolor="#24384f")
"""Over the styles of the line that keys are about."""

CURVES = tuple(map(_on_background, (BLUE, ORANGE, "#e6d25a", "#c58fd0", "#5ec8b4", "#e88fa6", "#b9c4d0", "#a08a6a")))
"""One a series, told apart by every kind of eye where there are few; markers and labels do it for all."""
BANDS = tuple(
    map(_on_background, ("#2a4a6b", "#6b4d25", "#635c2c", "#573f5c", "#2c574f", "#65404a", "#525a63", "#4a4032"))
)
SHADES = tuple(Style(color=TEXT, bgcolor=shade) for shade in ("#2a4a6b", "#6b4d25", "#2c574f", "#573f5c", "#2b333d"))
"""Of the segments of a bar, each of which has its name in it."""

LIGHT = {
    BACKGROUND: "#fbfcfd",
    SURFACE: "#eef1f5",
    BLUE: "#1a69b8",
    ORANGE: "#b4620a",
    TEXT: "#1c2530",
    QUIET: "#5d6977",
    FAINT: "#ccd3db",
    ALARM: "#c0352a",
    "#4a5563": "#b4bec9",
    "#262e37": "#dce2e8",
    "#a7b1be": "#6c7886",
    "#24384f": "#d5e6f8",
    "#e6d25a": "#857200",
    "#c58fd0": "#8b479d",
    "#5ec8b4": "#17806f",
    "#e88fa6": "#b5365d",
    "#b9c4d0": "#566371",
    "#a08a6a": "#775f3d",
    "#2a4a6b": "#bcd7f3",
    "#6b4d25": "#f5d8b2",
    "#635c2c": "#e8dfa3",
    "#573f5c": "#e5cdec",
    "#2c574f": "#bce6de",
    "#65404a": "#f5cbd7",
    "#525a63": "#d3dae1",
    "#4a4032": "#e0d4c2",
    "#2b333d": "#dfe5eb",
}
"""What each colour is on a light theme."""


@lru_cache(maxsize=512)
def _light(style: Style) -> Style:
    def other(color: RichColor | None) -> str | None:
        if color is None:
            return None
        name = color.triplet.hex if color.triplet else color.name
        return LIGHT.get(name, name)

    return style + Style(color=other(style.color), bgcolor=other(style.bgcolor))


class Lighten(LineFilter):
    """Puts light colours in place of dark ones."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(text, _light(style) if style else style, control) for text, style, control in segments]


LIGHTEN = Lighten()
DARK_THEME = Theme(
    name="accel-dark",
    primary=BLUE,
    secondary=ORANGE,
    accent=BLUE,
    warning=ORANGE,
    error=ALARM,
    success=BLUE,
    foreground=TEXT,
    background=BACKGROUND,
    surface=SURFACE,
    panel=SURFACE,
    dark=True,
)
LIGHT_THEME = Theme(
    name="accel-light",
    primary=LIGHT[BLUE],
    secondary=LIGHT[ORANGE],
    accent=LIGHT[BLUE],
    warning=LIGHT[ORANGE],
    error=LIGHT[ALARM],
    success=LIGHT[BLUE],
    foreground=LIGHT[TEXT],
    background=LIGHT[BACKGROUND],
    surface=LIGHT[SURFACE],
    panel=LIGHT[SURFACE],
    dark=False,
)


def choose_theme(name: str, environment: Mapping[str, str] = os.environ) -> Theme:
    """`dark`, `light`, or with `auto` what the terminal says of its colours (COLORFGBG), dark where it is silent."""
    if name == "auto":
        background = environment.get("COLORFGBG", "").rpartition(";")[2]
        name = "light" if background in ("7", "15") else "dark"
    return LIGHT_THEME if name == "light" else DARK_THEME
