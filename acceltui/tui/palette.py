"""Colours and text styles, in one place.

Blue and orange tell series apart for every kind of eye; words say the rest. Every style has the background in it, so
that the dashboard reads the same on terminals that are light.
"""

from rich.style import Style
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

THEME = Theme(
    name="accel",
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
