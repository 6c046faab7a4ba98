"""Appending and following, with two processes, torn lines, full disks and replaced files."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from acceltui.runs import jsonl
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader, JsonlWriter

WRITER = """
import sys
from pathlib import Path
from acceltui.runs.jsonl import JsonlWriter
writer = JsonlWriter(Path(sys.argv[1]))
for number in range(3000):
    writer.append({"number": number, "text": "x" * (number % 700)})
"""


@pytest.fixture
def path(folder: RunFolder) -> Path:
    return folder.metrics


def test_a_reader_beside_a_writer_sees_each_row_once_and_whole(path: Path) -> None:
    reader, rows = JsonlReader(path), []
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)]) as writer:
        while writer.poll() is None:
            rows += reader.poll()
    rows += reader.poll()
    assert [row["number"] for row in rows] == list(range(3000))
    assert all(len(row["text"]) == row["number"] % 700 for row in rows)
    assert reader.skipped == 0


def test_a_killed_writer_leaves_a_file_that_goes_on(path: Path) -> None:
    endless = WRITER.replace("range(3000)", "range(10**9)")
    with subprocess.Popen([sys.executable, "-c", endless, str(path)]) as writer:
        while not path.exists() or path.stat().st_size < 100_000:
            assert writer.poll() is None
        writer.kill()
    JsonlWriter(path).append({"number": "next"})
    *rows, last = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["number"] for row in rows] == list(range(len(rows)))
    assert last == {"number": "next"}


@pytest.mark.parametrize("torn", [b'{"a": 2', b"x" * 200_000, b"\x00\x00"])
@pytest.mark.parametrize("whole", [b"", b'{"a": 1}\n'])
def test_opening_cuts_a_torn_line(path: Path, whole: bytes, torn: bytes) -> None:
    path.write_bytes(whole + torn)
    JsonlWriter(path).append({"a": 3})
    assert path.read_bytes() == whole + b'{"a":3}\n'


def test_a_reader_leaves_an_unfinished_line_for_later(path: Path) -> None:
    path.write_bytes(b'{"a": 1}\n{"a"')
    reader = JsonlReader(path)
    assert reader.poll() == [{"a": 1}]
    assert reader.poll() == []
    with path.open("ab") as file:
        file.write(b": 2}\n")
    assert reader.poll() == [{"a": 2}]


def test_a_file_that_is_not_there_yet_is_empty(path: Path) -> None:
    reader = JsonlReader(path)
    assert reader.poll() == []
    JsonlWriter(path).append({"a": 1})
    assert reader.poll() == [{"a": 1}]
    assert not reader.restarted


@pytest.mark.parametrize("how", ["replaced", "truncated"])
def test_a_reader_starts_over(path: Path, how: str) -> None:
    path.write_bytes(b'{"a": 1}\n{"a": 2}\n')
    reader = JsonlReader(path)
    assert len(reader.poll()) == 2
    if how == "replaced":
        new = path.with_name("new")
        new.write_bytes(b'{"a": 8}\n{"a": 9}\n')
        new.replace(path)
        expected = [{"a": 8}, {"a": 9}]
    else:
        path.write_bytes(b'{"a": 9}\n')
        expected = [{"a": 9}]
    assert reader.poll() == expected
    assert reader.restarted
    assert reader.poll() == []
    assert not reader.restarted


def test_lines_that_are_no_objects_are_counted(path: Path) -> None:
    path.write_bytes(b'nonsense\n{"a": 1}\n[1]\n\xff\n' + b"[" * 100_000 + b'\n{"a": NaN}\n')
    reader = JsonlReader(path)
    assert reader.poll() == [{"a": 1}, {"a": None}]
    assert reader.skipped == 4


def test_what_is_not_finite_becomes_null(path: Path) -> None:
    JsonlWriter(path).append({"a": float("nan"), "b": float("-inf"), "c": [1.5, float("inf")]})
    assert path.read_text() == '{"a":null,"b":null,"c":[1.5,null]}\n'


def test_short_writes_are_completed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, write = JsonlWriter(path), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    writer.append({"text": "longer than three"})
    assert path.read_text() == '{"text":"longer than three"}\n'


def test_a_full_disk_leaves_no_torn_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, write = JsonlWriter(path), os.write
    writer.append({"a": 1})

    def full(descriptor: int, data: memoryview) -> int:
        if len(data) < 5:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:3])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            writer.append({"a": 2, "text": "much"})
    writer.append({"a": 3})
    assert path.read_text() == '{"a":1}\n{"a":3}\n'


def test_a_part_of_a_line_that_could_not_be_cut_off_is_before_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails in the midst of a line may not let it be taken back either."""
    writer, write = JsonlWriter(path), os.write
    writer.append({"a": 1})

    def failing(*_: object) -> int:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]) if len(data) > 5 else failing())
        patch.setattr(os, "ftruncate", failing)
        with pytest.raises(OSError, match="Input/output"):
            writer.append({"a": 2, "text": "much"})
    writer.append({"a": 3})
    assert path.read_text() == '{"a":1}\n{"a":3}\n'


def test_links_are_followed_by_neither_side(path: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text('{"a": 1}\n')
    path.symlink_to(tmp_path / "other")
    assert JsonlReader(path).poll() == []
    with pytest.raises(OSError, match="symbolic"):
        JsonlWriter(path)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "AT_ONCE", 1000)
    monkeypatch.setattr(jsonl, "LONGEST_LINE", 500)


def rows(first: int, last: int) -> list[dict[str, int]]:
    return [{"a": number} for number in range(first, last)]


def lines(first: int, last: int) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows(first, last))


def test_a_long_file_comes_in_parts_that_say_how_far_they_are(path: Path, small_parts: None) -> None:
    path.write_bytes(lines(0, 1000) + b'{"a": "not ended')
    reader, found, shares = JsonlReader(path), [], []
    while not shares or shares[-1] < 1:
        part = reader.poll()
        assert len(part) <= 125
        found += part
        shares.append(reader.share)
    assert found == rows(0, 1000)
    assert len(shares) > 10 and shares == sorted(set(shares))
    assert reader.poll() == [] and reader.share == 1
    assert list(JsonlReader(path).catch_up()) == found


@pytest.mark.parametrize("length", [501, 999, 1000, 1001, 5000])
def test_a_line_too_long_for_a_row_is_left_out_and_counted_once(path: Path, small_parts: None, length: int) -> None:
    path.write_bytes(lines(0, 70) + b'"' + b"x" * (length - 2) + b'"\n' + lines(70, 200))
    reader = JsonlReader(path)
    assert list(reader.catch_up()) == rows(0, 200)
    assert reader.skipped == 1


def test_a_line_that_grows_without_end_is_not_gathered(path: Path, small_parts: None) -> None:
    path.write_bytes(lines(0, 3))
    reader, found = JsonlReader(path), []
    with path.open("ab", buffering=0) as file:
        for text in (*[b"x" * 400] * 20, b"\n" + lines(3, 5), b"y" * 300, b"\n" + lines(5, 6)):
            file.write(text)
            found += reader.catch_up()
    assert found == rows(0, 6)
    assert reader.skipped == 2  # the second was short enough to be looked at


@pytest.mark.parametrize("last", [1, 9, 10, 300, 10**6])
def test_reading_may_begin_near_the_end(path: Path, small_parts: None, last: int) -> None:
    path.write_bytes(lines(0, 100))
    reader = JsonlReader(path, last=last)
    found = list(reader.catch_up())
    assert found == rows(100 - len(found), 100)
    assert len(found) == (100 if last == 10**6 else pytest.approx(last / 10, abs=1))
    with path.open("ab") as file:
        file.write(lines(100, 103))
    assert reader.poll() == rows(100, 103) and reader.skipped == 0


def test_a_file_replaced_in_the_middle_of_reading_is_read_anew(path: Path, small_parts: None) -> None:
    path.write_bytes(b"z" * 3000 + b"\n" + lines(0, 500))
    reader = JsonlReader(path)
    assert reader.poll() == [] and reader.share < 1
    new = path.with_name("new")
    new.write_bytes(lines(7, 400))
    new.replace(path)
    first = reader.poll()
    assert reader.restarted
    assert [*first, *reader.catch_up()] == rows(7, 400)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_has_no_rows(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    assert JsonlReader(path).poll() == []
