"""engine.log as lines that are safe to print."""

import os
import time
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from acceltui.cli.follow import WITH_ENGINE, seen
from acceltui.runs.files import open_regular
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import RunError
from acceltui.runs.text import clean

LOOK_EVERY = 0.2
LONGEST_LINE = 1 << 16
"""Bytes after which a line goes on in the next."""


def read_log(folder: RunFolder, *, last: int | None, follow: bool) -> Iterator[str]:
    """Lines of engine.log: all or the `last` ones, then, with `follow`, new ones until the run has ended."""
    try:
        descriptor = open_regular(folder.log)
    except FileNotFoundError:
        raise RunError(
            f"{folder.name} has no engine.log: its engine was started in the foreground, or not yet."
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        lines = iter(lambda: file.readline(LONGEST_LINE), b"")
        for line in deque(lines, last) if last is not None else lines:
            yield readable(line)
        if follow:
            yield from new_lines(file, folder)


def new_lines(file: BinaryIO, folder: RunFolder) -> Iterator[str]:
    """Lines as they are written, until the run has ended and all of them are read."""
    part = b""
    while True:
        living = seen(folder)[1] in WITH_ENGINE
        while line := file.readline(LONGEST_LINE):
            part += line
            if part.endswith(b"\n") or len(part) >= LONGEST_LINE:
                yield readable(part)
                part = b""
        if not living:
            break
        time.sleep(LOOK_EVERY)
    if part:
        yield readable(part)


def readable(line: bytes) -> str:
    """One line without its end."""
    return clean(line.decode(errors="replace").rstrip("\r\n"))
