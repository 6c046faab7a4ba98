"""Makes acceltui/serve/page/braille.woff: the 256 braille patterns that plots are drawn with, for browsers.

    python scripts/braille_font.py        (needs fonttools)

The fonts of a browser's machine may have none, or ones of another width. These have the cell of the page's font (Roboto
Mono, 1000 units to the em), and their dots are evenly apart across cells, so that curves have no seams.
"""

import math
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables._g_l_y_f import Glyph

TARGET = Path(__file__).parents[1] / "acceltui" / "serve" / "page" / "braille.woff"
WIDTH, ASCENT, DESCENT = 600, 1048, 271
RADIUS = 105
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of each bit of U+2800."""


def pattern(bits: int) -> Glyph:
    """The dots of one character, each an octagon."""
    pen = TTGlyphPen(None)
    for bit, (column, row) in enumerate(DOTS):
        if bits >> bit & 1:
            x, y = WIDTH * (column + 0.5) / 2, ASCENT - (ASCENT + DESCENT) * (row + 0.5) / 4
            corners = [-math.pi / 4 * (corner + 0.5) for corner in range(8)]
            points = [(round(x + RADIUS * math.cos(at)), round(y + RADIUS * math.sin(at))) for at in corners]
            pen.moveTo(points[0])
            for point in points[1:]:
                pen.lineTo(point)
            pen.closePath()
    return pen.glyph()


def main() -> None:
    names = {0x2800 + bits: f"dots{bits}" for bits in range(256)}
    builder = FontBuilder(1000)
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap(names)
    builder.setupGlyf({".notdef": pattern(0), **{name: pattern(code - 0x2800) for code, name in names.items()}})
    builder.setupHorizontalMetrics(dict.fromkeys(builder.font.getGlyphOrder(), (WIDTH, 0)))
    builder.setupHorizontalHeader(ascent=ASCENT, descent=-DESCENT)
    builder.setupNameTable({"familyName": "Accel Braille", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=ASCENT, sTypoDescender=-DESCENT, usWinAscent=ASCENT, usWinDescent=DESCENT)
    builder.setupPost()
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    builder.font.flavor = "woff"
    builder.save(TARGET)


if __name__ == "__main__":
    main()
