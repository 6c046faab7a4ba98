"""`accel metrics` and `accel events`: rows that count, chosen, for scripts, however long the file."""

import csv
import io
import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acceltui.cli import app
from acceltui.runs.events import EventWriter
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.metrics import MetricsWriter, apply_rewinds
from acceltui.runs.paths import create_run_folder
from acceltui.runs.status import Status, write_status

HOSTILE = "\x1b]0;t\x07\u202ex"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setenv("ACCEL_RUNS", str(tmp_path))
    return create_run_folder(tmp_path, "recipe", 1, name="a")


@pytest.fixture
def resumed(folder: RunFolder) -> RunFolder:
    """A run that went back to step 200 once and to step 300 later."""
    for attempt, begins, ends in ((1, 0, 600), (2, 200, 500), (3, 300, 900)):
        metrics = MetricsWriter(folder.metrics, attempt)
        if attempt > 1:
            metrics.rewind(begins)
        for step in range(begins + 100, ends + 1, 100):
            metrics.append(step, "accelerate", {"loss/critic": attempt + step / 1000}, time=step)
            if step % 300 == 0:
                metrics.append(step, "accelerate", {"transformer/return": attempt}, time=step)
        if attempt == 1:
            metrics.append(600, "accelerate", {"only/void": 1.0}, time=600)
        metrics.close()
    return folder


def accel(*words: str, code: int = 0) -> str:
    """Standard output of `accel WORDS`; what went to standard error where the code is not 0."""
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def table(*words: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(accel("metrics", "a", *words))))


def test_rows_that_a_resume_took_back_are_left_out(resumed: RunFolder) -> None:
    assert accel("metrics").splitlines()[:4] == [
        "step,stage,time,loss/critic,transformer/return",
        "100,accelerate,100,1.1,",
        "200,accelerate,200,1.2,",
        "300,accelerate,300,2.3,",
    ]
    rows = apply_rewinds(JsonlReader(resumed.metrics).poll())
    assert [row["step"] for row in rows] == [100, 200, 300, 300, 400, 500, 600, 600, 700, 800, 900, 900]
    assert [int(row["step"]) for row in table()] == [row["step"] for row in rows]
    objects = [json.loads(line) for line in accel("metrics", "--json").splitlines()]
    assert objects == [{key: row[key] for key in row if key not in ("seq", "attempt")} for row in rows]


def test_names_choose_columns_and_the_rows_that_have_them(resumed: RunFolder) -> None:
    rows = table("transformer/*")
    assert [(row["step"], row["transformer/return"]) for row in rows] == [
        ("300", "2"),
        ("600", "3"),
        ("900", "3"),
    ]
    assert set(table("*/critic", "loss/critic")[0]) == {"step", "stage", "time", "loss/critic"}
    objects = accel("metrics", "a", "transformer/return", "--json", "--every", "600").splitlines()
    assert [json.loads(line)["step"] for line in objects] == [300, 600]


@pytest.mark.parametrize("name", ["loss/criti", "only/void"])
def test_a_name_that_no_row_has_is_one_sentence_that_lists_them(resumed: RunFolder, name: str) -> None:
    said = accel("metrics", "a", "loss/*", name, code=2)
    assert said == f"a has no metric {name!r}: there are loss/critic, transformer/return.\n"


def test_every_so_many_steps(resumed: RunFolder) -> None:
    """Also where rows fall between: several environments step at once."""
    assert [row["step"] for row in table("--every", "300")] == ["100", "300", "300", "600", "600", "900", "900"]
    assert [row["step"] for row in table("loss/critic", "--every", "250")] == ["100", "300", "500", "800"]


def test_a_run_that_has_measured_nothing(folder: RunFolder) -> None:
    assert accel("metrics") == "step,stage,time\n"
    assert accel("metrics", "--json") == ""
    assert "none yet" in accel("metrics", "a", "loss/*", code=2)


def test_what_a_folder_says_is_safe_and_not_finite_is_empty(folder: RunFolder) -> None:
    rows = [
        {"step": 1, "attempt": 1, "stage": HOSTILE, HOSTILE: HOSTILE, "big": 1e999, "null": None, "list": [1]},
        {"step": HOSTILE, "attempt": 1, "a": 1},
        {"step": 10**400, "attempt": 1, "a": 1},
        [],
    ]
    folder.metrics.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    for words in ([], ["--json"], ["x*"]):
        shown = accel("metrics", "a", *words) if words != ["x*"] else accel("metrics", "a", *words, code=2)
        assert {"\x1b", "\x07", "\u202e"}.isdisjoint(shown)
    assert table() == [{"step": "1", "stage": "x", "time": "", "x": "x", "big": "", "null": "", "list": "[1]"}]
    assert json.loads(accel("metrics", "--json"))["big"] is None


VALUES = ", ".join(f'"name/{number:02}": {number}.25' for number in range(20))


def limited_to(bytes_: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (bytes_, bytes_))


def test_a_long_file_needs_little_memory_and_a_closed_pipe_is_no_error(folder: RunFolder) -> None:
    """A file that would not fit is printed all the same; who has seen enough may leave."""
    with folder.metrics.open("w") as file:
        for step in range(100_000):
            file.write(f'{{"attempt": 1, "step": {step}, {VALUES}}}\n')
    words = [sys.executable, "-m", "acceltui", "metrics", "a"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: limited_to(300_000_000)
    ) as whole:
        assert whole.stdout is not None and whole.stderr is not None
        assert sum(1 for _ in whole.stdout) == 100_001
        assert whole.stderr.read() == ""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as left:
        assert left.stdout is not None and left.stderr is not None
        assert left.stdout.readline().startswith("step,")
        left.stdout.close()
        assert left.stderr.read() == ""
    assert left.returncode == -signal.SIGPIPE


@pytest.fixture
def eventful(folder: RunFolder) -> RunFolder:
    events = EventWriter(folder.events)
    for step, kind in enumerate(["start", "warning", "switch", "error", "finish"]):
        events.append(kind, f"{kind} {HOSTILE}", step=step, by="me@here" if kind == "switch" else "engine", time=0.5)
    write_status(folder, Status("FINISHED", run="a"))
    return folder


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ([], ["start", "warning", "switch", "error", "finish"]),
        (["--follow"], ["start", "warning", "switch", "error", "finish"]),
        (["--kind", "switch", "--kind", "start"], ["start", "switch"]),
        (["--severity", "warning"], ["warning", "error"]),
        (["--severity", "error"], ["error"]),
        (["--severity", "warning", "--kind", "warning"], ["warning"]),
        (["--kind", "strange"], []),
    ],
)
def test_events_are_chosen_by_kind_and_by_severity(eventful: RunFolder, words: list[str], kinds: list[str]) -> None:
    for form in ([], ["--plain"], ["--json"]):
        shown = accel("events", "a", *words, *form)
        assert {"\x1b", "\x07", "\u202e"}.isdisjoint(shown)
        lines = shown.splitlines()
        match form:
            case ["--json"]:
                assert [json.loads(line)["kind"] for line in lines] == kinds
            case ["--plain"]:
                assert [line.split("\t")[2] for line in lines] == kinds
                assert all(line.split("\t")[0] == "0.5" and len(line.split("\t")) == 5 for line in lines)
            case _:
                assert [line.split()[1].rstrip(":") for line in lines] == kinds
                assert all(("(by me@here)" in line) == ("switch:" in line) for line in lines)


def test_wrong_choices_are_refused(eventful: RunFolder) -> None:
    accel("events", "--json", "--plain", code=2)
    accel("events", "--severity", "fatal", code=2)
    accel("metrics", "--json", "--csv", code=2)
    accel("metrics", "--every", "0", code=2)
