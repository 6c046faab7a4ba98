"""ls, status and log: for people, for scripts, and safe with hostile folders."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acceltui.cli import app
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import create_run_folder
from acceltui.runs.status import Status, this_host, write_status

PROGRESS = {
    "accelerate": {"steps": 1000, "of": 2000},
    "online": {"steps": 0, "of": 2000},
    "rule": "plateau 3/5",
    "latest": {"transformer/return": -120.5, "accelerator/return": -80.25},
}
STATUS = Status(state="FINISHED", step=1000, pid=5, pid_started=1.0, host=this_host(), progress=PROGRESS)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACCEL_RUNS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def make(root: Path, name: str, **values: object) -> RunFolder:
    folder = create_run_folder(root, "recipe", 1, name=name)
    write_status(folder, replace(STATUS, run=name, **values))
    return folder


def accel(*words: str, code: int = 0) -> str:
    """Standard output of `accel WORDS`; what went to standard error where the code is not 0."""
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def test_ls_is_a_table_newest_first(root: Path) -> None:
    make(root, "older")
    make(root, "a-newer-one", state="RUNNING")
    head, newer, older = accel("ls").splitlines()
    assert head.split() == ["NAME", "STATE", "STAGE", "STEP", "TRANSFORMER", "ACCELERATOR", "AGE"]
    assert newer.split()[:8] == ["a-newer-one", "CRASHED", "accelerate", "1,000/4,000", "(25%)", "-120", "-80.2", "0s"]
    assert older.split()[1] == "FINISHED"
    assert head.index("STATE") == newer.index("CRASHED") == older.index("FINISHED")


def test_ls_takes_words_and_conditions_that_all_have_to_match(root: Path) -> None:
    for seed, state in ((1, "FINISHED"), (2, "FINISHED"), (3, "FAILED")):
        folder = make(root, f"ant-{seed}", state=state)
        folder.resolved.write_text(f"name: ant\nseed: {seed}\nonline:\n  replay: {seed}0000\n")
    make(root, "hopper")

    def listed(*words: str) -> list[str]:
        names = [run["run"] for run in json.loads(accel("ls", "--json", *words))]
        assert [line.split("\t")[0] for line in accel("ls", "--plain", *words).splitlines()] == names
        assert [line.split()[0] for line in accel("ls", *words).splitlines()[1:]] == names
        return names

    assert listed("ant") == ["ant-3", "ant-2", "ant-1"]
    assert listed("seed>=2") == ["ant-3", "ant-2"] == listed("online.replay>=20_000")
    assert listed("seed>=2", "finished") == ["ant-2"] == listed("seed>=2 FINISHED")
    assert listed("hopper", "seed!=1") == []


def test_ls_says_why_nothing_matches(root: Path) -> None:
    make(root, "ant").resolved.write_text("name: ant\nseed: 1\n")
    for words, said in (
        (["seed=2"], f"No run in {root} matches 'seed=2'.\n"),
        (["sed=1"], "No recipe here has a value for 'sed'.\n"),
    ):
        result = CliRunner().invoke(app, ["ls", *words])
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", said)
    sentence = "'foo>>3' is not understood: write key=value; = may be != < <= > >=."
    assert sentence in accel("ls", "ant", "foo>>3", code=2)


def test_ls_of_nothing(root: Path) -> None:
    assert accel("ls") == ""
    assert json.loads(accel("ls", "--json")) == []


def test_status_for_scripts_is_what_was_written_and_what_is_observed(root: Path) -> None:
    folder = make(root, "a", state="RUNNING")
    document = json.loads(accel("status", "a", "--json"))
    assert document["state"] == "CRASHED"
    assert (document["run"], document["path"]) == ("a", str(folder.path))
    assert document["progress"] == PROGRESS
    assert {"stage", "step", "attempt", "host", "pid", "pid_started", "error", "time"} <= set(document)
    assert json.loads(accel("ls", "--json")) == [document]


def test_status_for_people(root: Path) -> None:
    make(root, "a", state="FAILED", error={"kind": "crash", "message": "loss is not finite"})
    shown = accel("status")
    assert shown.startswith("a  FAILED\n")
    for fact in ("step 1,000/4,000 (25%)", "transformer -120", "plateau 3/5", "pid 5", "loss is not finite", str(root)):
        assert fact in shown


def test_status_says_what_the_rule_sees_where_time_goes_and_what_is_likely_wrong(root: Path) -> None:
    sentences = ["evaluation takes 61% of the time", "\x1b[2Jthe replay is too small"]
    told = {"rule_detail": "fires after 2 more", "health": sentences, "time": {"update": 30.0, "evaluation": 70.0}}
    make(root, "a", progress=PROGRESS | told)
    lines = [line.split(maxsplit=1) for line in accel("status").splitlines()]
    assert ["switch", "plateau 3/5 (fires after 2 more)"] in lines
    assert ["time", "update 30%, evaluation 70%"] in lines
    warnings = [words[1] for words in lines if words[0] == "warning"]
    assert warnings == ["evaluation takes 61% of the time", "the replay is too small"]
    assert json.loads(accel("status", "--json"))["progress"]["health"] == sentences


@pytest.mark.parametrize(
    "progress",
    [
        {},
        {"accelerate": 7, "online": None, "latest": [], "speed": {"steps": "fast"}, "checkpoint": 3, "eta_s": "soon"},
        {
            "latest": {"transformer/return": 10**400, "accelerator/return": None},
            "eta_s": -1e300,
            "rule": ["\x1b]0;t\x07"],
        },
        {"accelerate": {"steps": -1, "of": -5}, "checkpoint": {"step": "\x1b]0;t\x07"}, "switch_step": 10**30},
    ],
)
def test_strange_folders_are_shown_all_the_same(root: Path, progress: dict[str, object]) -> None:
    make(
        root,
        "a",
        state="\x1b]0;t\x07WEIRD",
        stage="\x1b]0;title\x07x",
        host="\u202e",
        error={"message": "\x1b]0;t\x07"},
    )
    folder = make(root, "b", progress=progress)
    folder.log.write_bytes(b"\x1b]0;t\x07red\xff\n")
    for words in (["ls"], ["status", "a"], ["status", "b"], ["log", "b"], ["ls", "--json"], ["status", "b", "--json"]):
        shown = accel(*words)
        assert shown
        assert {"\x1b", "\x07", "\u202e"}.isdisjoint(shown)


def test_watching_an_ended_run_says_how_it_ended(root: Path) -> None:
    make(root, "a", state="FAILED", error={"kind": "crash", "message": "loss is \u202enot finite"})
    result = CliRunner().invoke(app, ["attach"])
    assert result.exit_code == 1
    assert result.stdout.endswith("a FAILED at step 1,000: loss is not finite\n")


def test_a_status_that_cannot_be_read_is_said(root: Path) -> None:
    make(root, "a").status.write_text("{")
    assert "UNREADABLE" in accel("ls")
    assert "UNREADABLE" in accel("status")
    assert json.loads(accel("status", "--json"))["state"] == "UNREADABLE"


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ([], ["one", "two", "three red"]),
        (["-n", "2"], ["two", "three red"]),
        (["-n", "0"], []),
        (["-f"], ["one", "two", "three red"]),
    ],
)
def test_log_prints_clean_lines(root: Path, options: list[str], lines: list[str]) -> None:
    make(root, "a").log.write_text("one\ntwo\r\nthree \x1b]0;t\x07red")
    assert accel("log", "a", *options).splitlines() == lines


def test_a_log_that_is_not_there_is_explained(root: Path) -> None:
    make(root, "a")
    assert "no engine.log" in accel("log", code=2)


def test_an_unknown_run_is_explained(root: Path) -> None:
    make(root, "cheetah")
    assert "Nearest: cheetah" in accel("status", "cheatah", code=2)
