"""metrics.jsonl as a table: rows that count, in little memory however long the file is.

The file is read twice: first to learn which names there are and which rows a resume took back, then to print.
"""

import csv
import json
import math
import sys
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from acceltui.runs.files import finite
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.metrics import Later, Row, is_measurement, is_rewind
from acceltui.runs.paths import RunError
from acceltui.runs.text import clean

FIRST = ("step", "stage", "time")
NOT_MEASURED = {*FIRST, "seq", "attempt"}


def export(folder: RunFolder, wanted: Sequence[str], *, as_json: bool, every: int | None) -> None:
    """Print the metrics whose names fit one of `wanted`, all where that is empty."""
    length, rewinds, there = survey(folder)
    names = chosen(folder, wanted, there)
    rows = thinned(counting(folder, length, rewinds, names), every)
    if as_json:
        for row in rows:
            print(json.dumps(finite({key: row[key] for key in (*FIRST, *names) if key in row})))
        return
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(map(clean, (*FIRST, *names)))
    for row in rows:
        table.writerow(cell(row.get(key)) for key in (*FIRST, *names))


def survey(folder: RunFolder) -> tuple[int, Later, list[str]]:
    """How many rows there are, the rewinds among them, and the names in those that count.

    Rows before a rewind are of earlier attempts, those behind it are not: their order tells nothing more.
    """
    length, rewinds = 0, Later()
    first: dict[tuple[Any, ...], int] = {}
    for row in JsonlReader(folder.metrics).catch_up():
        length += 1
        if is_rewind(row):
            rewinds.add(row)
        elif is_measurement(row):
            kind = (row["attempt"], *row)
            first[kind] = min(row["step"], first.get(kind, row["step"]))
    counting = [kind for kind, step in first.items() if not rewinds.takes_back({"attempt": kind[0], "step": step})]
    return length, rewinds, sorted({str(name) for _, *names in counting for name in names} - NOT_MEASURED)


def chosen(folder: RunFolder, wanted: Sequence[str], there: Collection[str]) -> list[str]:
    """Those of the names there are that fit; RunError for a wish that none fits."""
    if not wanted:
        return list(there)
    for wish in wanted:
        if not any(fnmatchcase(name, wish) for name in there):
            known = ", ".join(map(clean, there)) or "none yet"
            raise RunError(f"{folder.name} has no metric {wish!r}: there are {known}.")
    return [name for name in there if any(fnmatchcase(name, wish) for wish in wanted)]


def counting(folder: RunFolder, length: int, rewinds: Later, names: Collection[str]) -> Iterator[Row]:
    """Of the first `length` rows, those that count and have one of these names."""
    for row in islice(JsonlReader(folder.metrics).catch_up(), length):
        if (
            is_measurement(row)
            and not is_rewind(row)
            and not rewinds.takes_back(row)
            and not row.keys().isdisjoint(names)
        ):
            yield row


def thinned(rows: Iterator[Row], every: int | None) -> Iterator[Row]:
    """Of each `every` steps, the rows of the first that has any."""
    last = None
    for row in rows:
        step = row["step"]
        if every is None or last is None or step == last or step // every > last // every:
            last = step
            yield row


def cell(value: object) -> object:
    """A number as it is, and text that is safe to print; nothing for what was not measured or is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else ""
    return value if isinstance(value, int) else "" if value is None else clean(value)
