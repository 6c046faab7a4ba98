"""Run folders that someone made to harm who looks at them, and runs folders full of other things."""

import json
import os
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from calling import RECIPE, Accel
from typer.testing import CliRunner

from acceltui.cli import app
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import process_start
from acceltui.runs.paths import create_run_folder
from acceltui.runs.status import this_host

HOSTILE = "\x1b]0;t\x07\x1b[2J\x9b31m\x1bP1\x9c\u202e\u2066\u200b\x00\x08\x7f\x85[bold red]@[/]{0}%s\r\n\tend"
"""What a terminal, a renderer of markup or a formatter would obey."""


def hostile(value: object) -> object:
    """A document in which each text is hostile, the keys of its maps too."""
    match value:
        case dict():
            return {key: hostile(part) for key, part in value.items()} | {HOSTILE: HOSTILE}
        case list():
            return [*map(hostile, value), HOSTILE]
        case str():
            return f"{value}{HOSTILE}"
    return value


def harmless(text: str) -> None:
    """Assert that a terminal would show it, and nothing else."""
    bad = {character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Cs")} - {"\n"}
    assert not bad, text
    assert "Traceback (most" not in text


STATUS = {
    "state": "STOPPED",
    "stage": "accelerate",
    "step": 1000,
    "pid": 4_000_000,
    "pid_started": 1.0,
    "host": this_host(),
    "attempt": 1,
    "run": "a",
    "error": {"kind": "crash", "message": "loss"},
    "progress": {
        "rule": "plateau",
        "rule_detail": "best",
        "health": ["the replay is too small"],
        "machine": {"gpu": "gpu"},
        "checkpoint": {"step": 5, "time": 5, "name": "name"},
        "latest": {"transformer/return": "high", "accelerator/return": 1.0},
        "method": "accelerated",
    },
    "time": 1.8e9,
}
MANIFEST = {
    "version": 3,
    "step": 500,
    "stage": "accelerate",
    "attempt": 1,
    "why": ["periodic"],
    "leaving": {"why": "rule", "by": "me", "message": "left"},
    "time": 1.0,
    "versions": {"torch": "1.0"},
    "files": {},
    "replays": {},
    "scratch": False,
}
EVENT = {"time": 1.8e9, "step": 1, "kind": "start", "by": "someone", "message": "begun"}


def make(root: Path, name: str, state: str, **status: object) -> RunFolder:
    """A run in which every text is hostile but for its state, which `state` gives."""
    folder = create_run_folder(root, "recipe", 1, name=name)
    folder.status.write_text(json.dumps(hostile(STATUS) | {"state": state, "host": this_host()} | status))  # type: ignore[operator]
    row = {"seq": 1, "attempt": 1, "step": 1, "stage": "accelerate", "loss/critic": "low"}
    folder.metrics.write_text(json.dumps(hostile(row)) + "\n")
    folder.events.write_text(json.dumps(hostile(EVENT)) + "\n" + json.dumps({**EVENT, "time": HOSTILE}) + "\n")
    folder.log.write_text(f"{HOSTILE}\n" * 3)
    folder.resolved.write_bytes(f'version: 1\nname: "{HOSTILE}"\n'.encode())
    folder.recipe.write_bytes(folder.resolved.read_bytes())
    manifest = hostile(MANIFEST) | {"stage": "accelerate", "files": {}, "replays": {}}  # type: ignore[operator]
    for name in ("0000000500-1", "0000000500-1" + HOSTILE.translate({0: None, ord("/"): None})):
        (folder.checkpoints / name).mkdir()
        (folder.checkpoints / name / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize("state", ["STOPPED", "FAILED", "RUNNING", HOSTILE, f"RUNNING{HOSTILE}"], ids=range(5))
@pytest.mark.parametrize(
    "words",
    [
        ["ls"],
        ["ls", "--json"],
        ["status", "a"],
        ["status", "a", "--json"],
        ["log", "a"],
        ["log", "a", "-f"],
        ["attach", "a"],
        ["fork", "a"],
        ["fork", "a", "--at", "7"],
        ["switch", "a"],
        ["stop", "a"],
        ["evaluate", "a", "--now"],
    ],
    ids=" ".join,
)
def test_no_command_hands_a_folder_s_text_to_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], state: str
) -> None:
    monkeypatch.setenv("ACCEL_RUNS", str(tmp_path))
    make(tmp_path, "a", state)
    done = CliRunner().invoke(app, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.output
    harmless(done.output)
    assert done.exit_code in (0, 1, 2, 3)


@pytest.mark.parametrize("words", [["resume", "a"], ["resume", "a", "--detach"]], ids=" ".join)
@pytest.mark.parametrize("engine", ["wrong", "crash"])
def test_an_engine_s_last_words_are_shown_harmless(accel: Accel, words: list[str], engine: str) -> None:
    folder = make(accel.folder / "runs", "a", "STOPPED")
    folder.resolved.write_text(RECIPE)
    done = accel(*words, engine=engine)
    harmless(done.stdout + done.stderr)
    assert done.stderr.startswith("Resuming a ...\n") and done.returncode in (1, 2)


def test_a_log_line_without_end_comes_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCEL_RUNS", str(tmp_path))
    make(tmp_path, "a", "STOPPED").log.write_bytes(b"x" * 200_000 + b"\nlast")
    for words, lengths in ((["log"], [65_536] * 3 + [3392, 4]), (["log", "-n", "1"], [4]), (["log", "-f"], None)):
        shown = CliRunner().invoke(app, words).output
        assert lengths is None or [len(line) for line in shown.splitlines()] == lengths
        assert shown.endswith("last\n")


def test_a_hostile_recipe_is_explained_harmless(accel: Accel) -> None:
    folder = make(accel.folder / "runs", "a", "STOPPED")
    for path in ("runs/a/resolved.yaml", "runs/a/recipe.yaml"):
        done = accel("validate", path, engine="wrong")
        harmless(done.stdout + done.stderr)
        assert done.returncode == 2 and path in done.stderr
    folder.resolved.write_text('version: 1\nname: a\n"\\e]0;t\\a\\u202e": 1\nseed: "\\e[2J\\u202e"\n')
    done = accel("validate", "runs/a/resolved.yaml", engine="wrong")
    harmless(done.stdout + done.stderr)
    assert done.returncode == 2 and "seed" in done.stderr


@pytest.mark.parametrize("settled", ["refused", "expired", "done", "taken"])
def test_what_an_engine_answers_is_shown_harmless(accel: Accel, settled: str) -> None:
    me = psutil.Process()
    folder = make(
        accel.folder / "runs", "a", "RUNNING", pid=me.pid, pid_started=process_start(me.pid), time=time.time()
    )
    with accel.start("switch", "a", *(["--no-wait"] if settled == "taken" else [])) as process:
        while not (commands := list(folder.commands.glob("*.json"))):
            assert process.poll() is None
            time.sleep(0.02)
        id = commands[0].stem
        ack = {"id": id, "state": settled, "reason": HOSTILE, "step": 7, "time": 1.0}
        (folder.acks / f"{id}.json").write_text(json.dumps(ack))
        out, err = process.communicate(timeout=60)
    harmless(out + err)
    assert "[bold red]@[/]{0}%s end" in out + err
    assert process.returncode == (3 if settled in ("refused", "expired") else 0)


def test_a_run_whose_name_a_terminal_would_obey_is_not_shown_by_its_path(accel: Accel) -> None:
    folder = make(accel.folder / "runs", "a", "STOPPED")
    renamed = folder.path.rename(folder.path.with_name("\x1b[2Jevil"))
    (accel.folder / "innocent").symlink_to(renamed)
    for words in (["status", str(renamed)], ["status", "innocent"], ["stop", "innocent"], ["log", "innocent"]):
        done = accel(*words)
        harmless(done.stdout + done.stderr)
        assert done.returncode == 2 and "rename the folder" in done.stderr
    assert accel("ls").stdout == ""


def clutter(root: Path) -> None:
    """What may lie in a runs folder beside runs."""
    root.mkdir(exist_ok=True)
    (root / "notes.txt").write_text("bought: milk")
    (root / "plain-file-with-a-run-s-name").touch()
    (root / "empty").mkdir()
    (root / "status-is-a-folder" / "status.json").mkdir(parents=True)
    (root / "dangling").symlink_to(root / "nowhere")
    (root / "itself").symlink_to("itself")
    os.mkfifo(root / "pipe")
    for name in ("two\nlines", "\x1b[31mred", "[bold]markup", "with space", "\u202ereversed", "x" * 200, "-option"):
        (root / name).mkdir()
        (root / name / "status.json").write_text(json.dumps(STATUS))
    (root / os.fsdecode(b"not \xff text")).mkdir()
    (root / "linked-status").mkdir()
    (root / "linked-status" / "status.json").symlink_to("/etc/passwd")
    (root / "looping-lock").mkdir()
    (root / "looping-lock" / "lock").symlink_to("lock")
    (root / "looping-lock" / "status.json").write_text(json.dumps(STATUS))
    (root / "pipe-for-a-status").mkdir()
    os.mkfifo(root / "pipe-for-a-status" / "status.json")
    (root / "huge-status").mkdir()
    with (root / "huge-status" / "status.json").open("w") as file:
        file.truncate(1 << 33)


def test_foreign_things_among_runs_are_skipped_and_what_cannot_be_read_is_said(accel: Accel) -> None:
    root = accel.folder / "runs"
    clutter(root)
    create_run_folder(root, "recipe", 1, name="mine")
    listed = accel("ls")
    assert listed.returncode == 0, listed.stderr
    harmless(listed.stdout)
    shown = {line.split()[0]: line.split()[1] for line in listed.stdout.splitlines()[1:]}
    assert shown == {
        "mine": "STARTING",
        "looping-lock": "STOPPED",
        "linked-status": "UNREADABLE",
        "huge-status": "UNREADABLE",
    }
    assert {run["run"] for run in json.loads(accel("ls", "--json").stdout)} == set(shown)
    assert accel("status").stdout.startswith("mine  STARTING\n")
    assert "linked-status  UNREADABLE" in accel("status", "linked").stdout
    for name in ("notes.txt", "empty", "dangling", "itself", "pipe", "status-is-a-folder", "two\nlines", "../x", ".."):
        done = accel("status", name)
        assert done.returncode == 2 and done.stdout == "", name
        harmless(done.stderr)


@pytest.mark.parametrize("words", [["log"], ["attach"], ["stop"], ["resume"], ["fork"]], ids=" ".join)
def test_a_run_that_cannot_be_read_is_explained_by_every_command(accel: Accel, words: list[str]) -> None:
    clutter(accel.folder / "runs")
    done = accel(*words, "huge-status")
    harmless(done.stdout + done.stderr)
    assert done.returncode in (0, 2, 3)
    assert "huge-status" in done.stdout + done.stderr


def test_thousands_of_entries_are_no_trouble(accel: Accel) -> None:
    root = accel.folder / "runs"
    root.mkdir()
    for number in range(3000):
        (root / f"run-{number:04}").mkdir()
        (root / f"run-{number:04}" / "status.json").write_text(json.dumps(STATUS))
        (root / f"file-{number}").touch()
    assert len(accel("ls").stdout.splitlines()) == 3001
    assert accel("status", "run-1234").stdout.startswith("run-1234  STOPPED\n")
    assert "begins the names of 10 runs" in accel("status", "run-123").stderr


def test_a_link_to_a_run_elsewhere_is_no_run_of_this_folder(accel: Accel) -> None:
    me = psutil.Process()
    living = {"pid": me.pid, "pid_started": process_start(me.pid), "time": time.time()}
    elsewhere = make(accel.folder / "elsewhere", "theirs", "RUNNING", **living)
    (accel.folder / "runs").mkdir()
    (accel.folder / "runs" / "mine").symlink_to(elsewhere.path)
    # First of all: its one heartbeat grows old while commands are called.
    assert accel("status", "runs/mine").stdout.startswith("theirs  RUNNING\n"), "a path is where it leads"
    before = sorted(path for path in elsewhere.path.rglob("*"))
    assert accel("ls").stdout == ""
    for words in (["stop", "mine"], ["stop"], ["switch", "mi"], ["resume", "mine"], ["fork", "mine"]):
        assert accel(*words).returncode == 2, words
    assert sorted(path for path in elsewhere.path.rglob("*")) == before


def test_a_command_goes_through_no_link(accel: Accel) -> None:
    me = psutil.Process()
    living = {"pid": me.pid, "pid_started": process_start(me.pid), "time": time.time()}
    folder = make(accel.folder / "runs", "a", "RUNNING", **living)
    outside = folder.commands.rename(accel.folder / "outside")
    folder.commands.symlink_to(outside)
    done = accel("pause", "a")
    assert done.returncode == 2 and "commands cannot be used: it is a link" in done.stderr
    assert list(outside.iterdir()) == []


def as_nobody(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """`accel WORDS` as a user to whom nothing here belongs."""
    call = [sys.executable, "-c", NOBODY, *words]
    environment = {**os.environ, "COLUMNS": "200", "ACCEL_RUNS": "runs"}
    return subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


NOBODY = """
import os, sys
from typer.testing import CliRunner
from acceltui.cli import app
CliRunner().invoke(app, [sys.argv[1], "--runs-dir", "nowhere"])  # imports what nobody may not be allowed to read
os.setgroups([]), os.setgid(65534), os.setuid(65534)
app(prog_name="accel")
"""


@pytest.fixture
def open_folder(accel: Accel) -> Callable[[int], Path]:
    """The folder of the test, for everybody to enter as far as its runs folder allows."""

    def with_mode(mode: int) -> Path:
        root = accel.folder / "runs"
        root.mkdir(exist_ok=True)
        root.chmod(mode)
        for parent in (accel.folder, *accel.folder.parents):
            if parent != Path("/") and parent.stat().st_mode & 0o5 != 0o5:
                parent.chmod(0o755)
        return accel.folder

    return with_mode


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@needs_root
def test_private_runs_of_others_are_skipped(accel: Accel, open_folder: Callable[[int], Path]) -> None:
    make(accel.folder / "runs", "private", "STOPPED")
    visible = make(accel.folder / "runs", "visible", "STOPPED")
    visible.path.chmod(0o755)
    visible.status.chmod(0o600)
    visible.log.chmod(0o600)
    folder = open_folder(0o755)
    listed = as_nobody(["ls"], folder)
    assert [line.split()[:2] for line in listed.stdout.splitlines()[1:]] == [["visible", "UNREADABLE"]], listed.stderr
    for words, code in ((["status", "private"], 2), (["status", "visible"], 0), (["log", "visible"], 2)):
        done = as_nobody(words, folder)
        harmless(done.stdout + done.stderr)
        assert done.returncode == code, done.stderr


@needs_root
def test_a_runs_folder_that_may_not_be_listed_is_explained(open_folder: Callable[[int], Path]) -> None:
    folder = open_folder(0o700)
    for words in (["ls"], ["status"], ["attach", "x"]):
        done = as_nobody(words, folder)
        assert done.returncode == 2 and "cannot be listed: Permission denied" in done.stderr


@needs_root
def test_who_may_only_watch_a_run_can_send_it_nothing(accel: Accel, open_folder: Callable[[int], Path]) -> None:
    me = psutil.Process()
    living = {"pid": me.pid, "pid_started": process_start(me.pid), "time": time.time()}
    run = make(accel.folder / "runs", "a", "RUNNING", **living)
    for path in (run.path, *run.path.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    done = as_nobody(["stop", "a"], open_folder(0o755))
    assert done.returncode == 2 and "cannot be used: Permission denied" in done.stderr
    assert list(run.commands.iterdir()) == []
