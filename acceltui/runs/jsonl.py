"""Files of one JSON object a line: appended by one writer, followed by any number of readers."""

import json
import os
from pathlib import Path
from typing import Any

from acceltui.runs.files import Appender, finite, open_regular

BLOCK = 1 << 16


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
    """Follows a file: each poll gives the whole lines that are new since the one before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._file: tuple[int, int] | None = None
        self.skipped = 0
        """Lines that were no JSON object."""
        self.restarted = False
        """Whether the last poll began anew because the file was replaced or cut: its rows stand for all before."""

    def poll(self) -> list[dict[str, Any]]:
        """New rows; none while the file is not there."""
        self.restarted = False
        try:
            descriptor = open_regular(self._path)
        except OSError:
            return []
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            identity = (status.st_dev, status.st_ino)
            if self._file is not None and (identity != self._file or status.st_size < self._offset):
                self._offset = 0
                self.restarted = True
            self._file = identity
            if status.st_size == self._offset:
                return []
            file.seek(self._offset)
            data = file.read(status.st_size - self._offset)
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [row for line in whole.splitlines() if (row := self._parse(line)) is not None]

    def _parse(self, line: bytes) -> dict[str, Any] | None:
        try:
            row = json.loads(line, parse_constant=lambda _: None)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            return row
        self.skipped += 1
        return None
