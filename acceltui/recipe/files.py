"""The bytes and the text of a recipe file: whatever the path leads to, reading neither waits nor fills the memory."""

import os
import re
import stat
from pathlib import Path

from acceltui.recipe.errors import Place, Report

MAX_BYTES = 1 << 20

# Control characters, line ends that editors do not show as such, and marks that reorder what a person reads.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")
_LINE_END = re.compile("\r\n|\r|\n")


def read_bytes(path: Path, named_at: Place, report: Report, named_by: tuple[str, ...] = ()) -> bytes:
    """The content of a regular file of at most 1 MiB; problems are blamed on the place that named the file."""

    what = f"{display(path)} " if named_by else ""

    def without_waiting(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NONBLOCK | os.O_NOCTTY)

    try:
        with open(path, "rb", opener=without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                report.fail(named_at, named_by, f"{what}is not a regular file", "give the path of a YAML file")
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        report.fail(named_at, named_by, f"{what}cannot be read: {reason}")
    if len(data) > MAX_BYTES:
        report.fail(named_at, named_by, f"{what}is larger than 1 MiB, which no recipe is")
    return data


def decode(data: bytes, file: Place, report: Report) -> str:
    """UTF-8 with or without a byte order mark, free of characters that hide what the text says."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _position(data[: error.start].decode("utf-8-sig", "replace"))
        place = Place(file.source, line, column, file.rank)
        report.fail(place, (), "not UTF-8 text", "save the file as UTF-8")
    if unseen := _UNSEEN.search(text):
        line, column = _position(text[: unseen.start()])
        place = Place(file.source, line, column, file.rank)
        report.fail(place, (), f"an invisible character, U+{ord(unseen[0]):04X}", "delete it")
    return text


def display(path: Path) -> str:
    """`path` for a sentence, whatever bytes it has."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return text if text.isprintable() else ascii(text)


def _position(before: str) -> tuple[int, int]:
    """Line and column, from 1, of what follows `before`."""
    lines = _LINE_END.split(before)
    return len(lines), len(lines[-1]) + 1
