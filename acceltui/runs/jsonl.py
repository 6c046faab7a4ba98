"""Files of one JSON object a line: appended by one writer, followed by any number of readers."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from acceltui.runs.files import Appender, finite, open_regular

BLOCK = 1 << 16
AT_ONCE = 1 << 21
"""Bytes that a reader takes at one poll."""
LONGEST_LINE = 1 << 20
"""Bytes beyond which a line is none of ours and is left out; less than AT_ONCE, so that each poll gets on."""

MANY = 1 << 16
"""Bytes of lines from which on another library reads them, in half the time; to import it takes as long as some do."""
DECODER = json.JSONDecoder(parse_constant=lambda _: None)
"""One for all lines: to make one takes as long as to read a short line."""


class JsonlWriter:
    """The one writer of a file. Opening it cuts a last line that a dying process left torn."""

    def __init__(self, path: Path) -> None:
        self._file = Appender(path)
        cut_torn_line(self._file.descriptor)

    def append(self, row: dict[str, Any]) -> None:
        """Append one line; what is not finite becomes null. OSError (disk full) leaves the file as it was."""
        self._file.append(json.dumps(finite(row), allow_nan=False, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def cut_torn_line(descriptor: int) -> None:
    """Truncate to the end of the last whole line."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - BLOCK)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end != os.fstat(descriptor).st_size:
        os.ftruncate(descriptor, end)


class JsonlReader:
    """Follows a file: each poll gives whole lines that are new since the one before, at most AT_ONCE bytes of them."""

    def __init__(self, path: Path, last: int | None = None) -> None:
        """`last`: begin at a line some so many bytes before the end, instead of at the first."""
        self._path = path
        self._last = last
        self._offset = 0
        self._file: tuple[int, int] | None = None
        self._inside_skipped = False
        """Whether the offset lies inside a line that is left out."""
        self.share = 1.0
        """Of the file's bytes, those read so far; 1 when the last poll came to the end, as far as it was written."""
        self.skipped = 0
        """Lines that were no JSON object, or too long for one."""
        self.restarted = False
        """Whether the last poll began anew because the file was replaced or cut: its rows follow on none."""

    def poll(self) -> list[dict[str, Any]]:
        """New rows; none while the file is not there. Where `share` is less than 1 there are more to be had."""
        self.restarted, self.share = False, 1.0
        try:
            descriptor = open_regular(self._path)
        except OSError:
            return []
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            identity = (status.st_dev, status.st_ino)
            if self._file is None and self._last is not None and status.st_size > self._last:
                self._offset, self._inside_skipped = status.st_size - self._last, True
            if self._file is not None and (identity != self._file or status.st_size < self._offset):
                self._offset, self._inside_skipped = 0, False
                self.restarted = True
            self._file = identity
            if status.st_size == self._offset:
                return []
            file.seek(self._offset)
            data = file.read(min(status.st_size - self._offset, AT_ONCE))
        read_to = self._offset + len(data)
        self.share = read_to / status.st_size if read_to < status.st_size else 1.0
        lines = self._whole_lines(data)
        return read_many(lines) or [row for line in lines if (row := self._parse(line)) is not None]

    def catch_up(self) -> Iterator[dict[str, Any]]:
        """All new rows, read as they are taken, so that a file of any size needs little memory."""
        yield from self.poll()
        while self.share < 1:
            yield from self.poll()

    def _whole_lines(self, data: bytes) -> list[bytes]:
        """The lines that end in `data`; the offset moves behind them, and into a line that is too long to wait for."""
        begin, end = 0, data.rfind(b"\n") + 1
        if self._inside_skipped and end:
            begin, self._inside_skipped = data.index(b"\n") + 1, False
        self._offset += end
        if len(data) - end > LONGEST_LINE:
            self.skipped += not self._inside_skipped
            self._inside_skipped = True
        if self._inside_skipped:
            self._offset += len(data) - end
        return data[begin:end].splitlines()

    def _parse(self, line: bytes) -> dict[str, Any] | None:
        try:
            row = DECODER.decode(line.decode("utf-8", "surrogatepass")) if len(line) <= LONGEST_LINE else None
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            return row
        self.skipped += 1
        return None


def read_many(lines: list[bytes]) -> list[dict[str, Any]]:
    """The rows of many lines; none where they are few, or where there is anything wrong with any of them."""
    if sum(map(len, lines)) < MANY or len(max(lines, key=len)) > LONGEST_LINE:
        return []
    from pydantic_core import from_json

    try:
        rows = [from_json(line, allow_inf_nan=False) for line in lines]
    except ValueError:
        return []
    return rows if all(isinstance(row, dict) for row in rows) else []
