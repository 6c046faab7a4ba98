"""tag and note, and what ls, status, gc and a fork make of them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from test_cli_look import STATUS, accel, make

from acceltui.runs.notes import read_notes
from acceltui.runs.status import write_status


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACCEL_RUNS", str(tmp_path))
    return tmp_path


def test_tags_are_added_and_taken_away(root: Path) -> None:
    folder = make(root, "run-a")
    assert accel("tag", "run", "+good", "seed-2") == "+good +seed-2\n"
    assert accel("tag", "run-a", "-good", "+hard") == "+seed-2 +hard\n"
    assert accel("tag", "run-a", "-hard", "-runs") == "+seed-2\n", "h is no call for help here"
    assert accel("tag", "run-a") == "+seed-2\n"
    assert read_notes(folder).tags == ("seed-2",)
    assert accel("tag", "run-a", "+fine", "+Not", code=2).startswith("'+Not': a tag is made of a-z")
    assert read_notes(folder).tags == ("seed-2",), "nothing of what was wrong in part"
    assert "No run in" in accel("tag", "run-b", "+good", code=2)


def test_a_note_is_written_printed_and_removed(root: Path) -> None:
    folder = make(root, "run-a")
    assert accel("note", "run-a", "-5% of the return\x1b[2J, with rtg") == "-5% of the return, with rtg\n"
    accel("tag", "run-a", "+good")
    assert accel("note", "run-a") == "-5% of the return, with rtg\n"
    assert "at most 300 characters, and this one 301" in accel("note", "run-a", 301 * "x", code=2)
    assert read_notes(folder).note == "-5% of the return, with rtg"
    assert accel("note", "run-a", "") == ""
    assert read_notes(folder).tags == ("good",), "tags stay"


def test_lists_show_them(root: Path) -> None:
    make(root, "run-b")
    make(root, "run-a")
    plain = accel("ls").splitlines()
    accel("tag", "run-a", "+good")
    accel("note", "run-a", "the first one that " + 20 * "walks ")
    head, first, second = accel("ls").splitlines()
    assert head.endswith("AGE  NOTES") and second == plain[2]
    assert "  +good the first one that walks" in first and first.endswith(" ...")
    assert "notes        +good  the first one" in accel("status", "run-a")
    first, second = json.loads(accel("ls", "--json"))
    assert first["tags"] == ["good"] and first["note"].startswith("the first one")
    assert second["tags"] == [] and second["note"] == ""
    (root / "run-b" / "status.json").write_text("[]")
    assert json.loads(accel("status", "run-b", "--json"))["tags"] == []


def test_gc_leaves_them(root: Path) -> None:
    folder = make(root, "run-a")
    folder.metrics.write_text('{"step": 0, "attempt": 1}\n')
    write_status(folder, replace(STATUS, run="run-a"))
    (folder.checkpoints / ".0000000050-1.part").mkdir()
    accel("tag", "run-a", "+good")
    accel("gc", "--replays", "--yes")
    assert not list(folder.checkpoints.iterdir()) and read_notes(folder).tags == ("good",)
