"""What is on the screen as a text that a person can read: its lines, and below them the style of each cell."""

import difflib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from string import ascii_letters
from zlib import crc32

from rich.style import Style
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse", "strike")


class ScreenFile(SingleFileSnapshotExtension):
    """One text file a screen; a difference is told as `diff -u` does, whose time does not grow with what differs."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT

    def diff_lines(self, serialized_data: str, snapshot_data: str) -> Iterator[str]:
        before, now = snapshot_data.splitlines(), serialized_data.splitlines()
        return difflib.unified_diff(before, now, "as it was", "as it is", lineterm="", n=1)


def drawn(app) -> str:
    """The screen line by line, then a letter for the style of each cell, then what the letters stand for."""
    rows = [
        [(one, cell.style) for cell in strip for one in cell.text] for strip in app.screen._compositor.render_strips()
    ]
    described = [[describe(one, style or Style()) for one, style in row] for row in rows]
    letters = name_styles(Counter(style for row in described for style in row))
    lines = ["".join(one for one, _ in row) for row in rows]
    styles = ["".join(letters[style] for style in row) for row in described]
    legend = sorted(f"{letter}  {style}" for style, letter in letters.items())
    return "\n".join([*lines, "", "Styles, cell by cell:", *styles, "", *legend, ""])


@cache
def describe(character: str, style: Style) -> str:
    """Colours and attributes of a cell, as far as they are seen: of a blank, often the background alone."""
    attributes = [name for name in ATTRIBUTES if getattr(style, name)]
    back = colour(style.bgcolor)
    if character == " " and not {"underline", "reverse", "strike"} & {*attributes}:
        return f"blank on {back}"
    return " ".join([colour(style.color), "on", back, *attributes])


def colour(color) -> str:
    """#rrggbb, the terminal's name for it, or `default`."""
    return "default" if color is None else color.triplet.hex if color.triplet else color.name


def name_styles(counted: Counter[str]) -> dict[str, str]:
    """A dot for the commonest style, and for each other a letter that it keeps when others come or go: mostly, for of
    two with the same the later in the alphabet has to take the next one that is free."""
    commonest = max(counted, key=lambda style: (counted[style], style))
    letters = {commonest: "."}
    for style in sorted(counted.keys() - {commonest}):
        at = crc32(style.encode())
        free = (ascii_letters[(at + step) % len(ascii_letters)] for step in range(len(ascii_letters)))
        letters[style] = next(letter for letter in free if letter not in letters.values())
    return letters
