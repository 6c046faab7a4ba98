"""The characters the dashboard draws with: braille, block or ASCII, by what the terminal can show."""

import locale
import os
from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter


@dataclass(frozen=True)
class Glyphs:
    """One set of characters; `raster` says how many dots a cell of a plot has."""

    name: str
    raster: str
    """`braille` (2x4 dots a cell), `block` (2x2) or `ascii` (1x1)."""
    markers: tuple[str, ...]
    """One a series, so that series are told apart without colour."""
    corners: str
    """Top left, top right, bottom left, bottom right."""
    horizontal: str
    vertical: str
    grid: str
    """Every few cells along a labelled value of a plot."""
    mark: str
    """A vertical mark through a plot."""
    full: str
    empty: str
    spark: str
    dot: str
    separator: str
    prompt: str
    plus_minus: str
    ellipsis: str
    order: str
    """Small to large, large to small."""


BRAILLE = Glyphs(
    name="braille",
    raster="braille",
    markers=("●", "◆", "■", "▲", "○", "◇", "□", "△"),
    corners="╭╮╰╯",
    horizontal="─",
    vertical="│",
    grid="·",
    mark="╎",
    full="━",
    empty="─",
    spark="▁▂▃▄▅▆▇█",
    dot="●",
    separator="·",
    prompt="\u203a",
    plus_minus="±",
    ellipsis="…",
    order="▴▾",
)
BLOCK = Glyphs(**{**BRAILLE.__dict__, "name": "block", "raster": "block"})
ASCII = Glyphs(
    name="ascii",
    raster="ascii",
    markers=("o", "+", "x", "*", "@", "%", "=", "&"),
    corners="++++",
    horizontal="-",
    vertical="|",
    grid=".",
    mark=":",
    full="#",
    empty="-",
    spark="_.-=+*#@",
    dot="*",
    separator="|",
    prompt=">",
    plus_minus="+-",
    ellipsis="~",
    order="^v",
)
PLAIN_TERMINALS = ("", "ansi", "dumb", "linux", "unknown", "vt52", "vt100", "vt102", "vt220")
"""What TERM is where there are no such characters, or nobody knows."""
SETS = {glyphs.name: glyphs for glyphs in (BRAILLE, BLOCK, ASCII)}


def choose_glyphs(name: str | None = None, environment: Mapping[str, str] = os.environ) -> Glyphs:
    """The set called `name`, or what the terminal can show: ASCII for plain terminals or a locale without UTF-8."""
    if name is not None:
        if name not in SETS:
            raise ValueError(f"glyphs are one of {', '.join(SETS)}; {name!r} is none of them")
        return SETS[name]
    if environment.get("TERM", "") in PLAIN_TERMINALS or "utf" not in locale.getencoding().lower():
        return ASCII
    return BRAILLE


class ToAscii(LineFilter):
    """Draws in ASCII what others draw: Textual's own widgets, and names and messages of a run."""

    LOOKALIKES = str.maketrans("─│┌┐└┘╭╮╰╯▔▁…", "-|++++++++--~") | {ord("🔎"): "/ "}

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Segments of the same widths."""
        return [
            one if one.text.isascii() else Segment(self._plain(one.text), one.style, one.control) for one in segments
        ]

    def _plain(self, text: str) -> str:
        alike = text.translate(self.LOOKALIKES)
        return "".join(one if one.isascii() else "?" * cell_len(one) for one in alike)


TO_ASCII = ToAscii()
