"""Tags and notes in a run folder, by whomever they were written."""

import json
import stat
from pathlib import Path

import pytest

from acceltui.runs.folder import RunFolder
from acceltui.runs.notes import Notes, read_notes, write_notes
from acceltui.runs.paths import RunError, create_run_folder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return create_run_folder(tmp_path, "recipe", 1, name="one")


def test_what_was_written_is_read_and_private(folder: RunFolder) -> None:
    assert read_notes(folder) == Notes()
    notes = Notes().tagged(["+good", "seed.2", "+bad"]).tagged(["-bad", "-never", "+good"]).noted(" two\n lines ")
    write_notes(folder, notes)
    assert read_notes(folder) == Notes(("seed.2", "good"), "two  lines")
    assert stat.S_IMODE(folder.notes.stat().st_mode) == 0o600
    assert json.loads(folder.notes.read_text()) == {"tags": ["seed.2", "good"], "note": "two  lines"}


@pytest.mark.parametrize("word", ["", "+", "-", "Good", "+a b", "+" + 25 * "a", "ä", "+a\x1b[2J"])
def test_what_is_no_tag_is_refused(word: str) -> None:
    with pytest.raises(RunError, match="at most 24"):
        Notes(("kept",)).tagged([word])


def test_there_is_an_end_to_tags_and_notes() -> None:
    eight = Notes().tagged("abcdefgh")
    with pytest.raises(RunError, match="at most 8 tags"):
        eight.tagged(["+i"])
    assert eight.tagged(["+i", "-a"]).tags == tuple("bcdefghi")
    assert Notes().noted(300 * "x").note == 300 * "x"
    with pytest.raises(RunError, match="at most 300"):
        Notes().noted(301 * "x")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"tags": ["ok", "Bad", 7, "ok", "a b", null], "note": "a\\u001b[2Jb\\u202e\\nc"}', Notes(("ok",), "ab c")),
        (json.dumps({"tags": list("abcdefghij"), "note": 400 * "x"}), Notes(tuple("abcdefgh"), 300 * "x")),
        ('{"tags": "good", "note": ["x"]}', Notes()),
        ('["good"]', Notes()),
        ('{"tags": ["good"', Notes()),
        ("[" * 5000, Notes()),
        ('{"tags": ["good"], "x": "' + 20_000 * "x" + '"}', Notes()),
    ],
)
def test_of_a_file_by_anyone_what_can_be_understood_counts(folder: RunFolder, written: str, read: Notes) -> None:
    folder.notes.write_text(written)
    assert read_notes(folder) == read


def test_a_link_is_no_file_of_notes(folder: RunFolder, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"tags": ["good"], "note": ""}')
    folder.notes.symlink_to(other)
    assert read_notes(folder) == Notes()
    write_notes(folder, Notes(("mine",)))
    assert other.read_text().startswith('{"tags": ["good"]') and read_notes(folder).tags == ("mine",)
