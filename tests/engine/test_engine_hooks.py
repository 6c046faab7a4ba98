"""A hook that fails beside an engine, or while it ends: one warning, whoever writes it."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from acceltui.engine.hooks import Hooks
from acceltui.engine.record import Record
from acceltui.runs.folder import RunFolder
from acceltui.runs.lock import engine_lock
from acceltui.runs.notify import HOOK, HOOK_ON
from acceltui.runs.paths import create_run_folder


def until(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "not within 30 s"
        time.sleep(0.02)


def warnings(folder: RunFolder) -> list[tuple[str, str]]:
    """Who has warned, and of which hook."""
    events = map(json.loads, folder.events.read_text().splitlines())
    return [(event["by"], event["message"].split(" failed")[0]) for event in events if event["kind"] == "warning"]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A new run."""
    return create_run_folder(tmp_path, "pendulum", 1)


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """What the hook waits for before it fails."""
    return tmp_path / "go"


@pytest.fixture
def hooks(folder: RunFolder, go: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Record], Hooks]:
    """An engine's hooks, for switches only."""
    monkeypatch.setenv(HOOK, f"echo $PPID > {go}.pid; while ! test -e {go}; do sleep 0.02; done; exit 7")
    monkeypatch.setenv(HOOK_ON, "switch")
    return lambda record: Hooks(folder, record)


def test_an_engine_that_lives_says_it_once(folder: RunFolder, go: Path, hooks: Callable[[Record], Hooks]) -> None:
    with engine_lock(folder):
        record = Record(folder, 1, tensorboard=False)
        running = hooks(record)
        running.run("switch", "RUNNING", 5, "")
        running.say_failures(5)
        assert warnings(folder) == []
        go.touch()

        def said() -> list[tuple[str, str]]:
            running.say_failures(6)
            return warnings(folder)

        until(said)
        running.run_at_end("FINISHED", 7, "")
        record.close()
    assert warnings(folder) == [("engine", "the hook for switch")]


def test_what_failed_by_its_last_look_the_engine_says(
    folder: RunFolder, go: Path, hooks: Callable[[Record], Hooks]
) -> None:
    go.touch()
    with engine_lock(folder):
        record = Record(folder, 1, tensorboard=False)
        running = hooks(record)
        running.run("switch", "RUNNING", 5, "")
        until(lambda: "failed" in folder.log.read_text())
        process = psutil.Process(int(go.with_suffix(".pid").read_text()))
        until(lambda: process.status() == psutil.STATUS_ZOMBIE)
        running.run_at_end("FINISHED", 7, "")
        record.close()
    assert warnings(folder) == [("engine", "the hook for switch")]


def test_what_fails_later_says_so_itself_however_long_the_engine_takes_to_go(
    folder: RunFolder, go: Path, hooks: Callable[[Record], Hooks]
) -> None:
    with engine_lock(folder):
        record = Record(folder, 1, tensorboard=False)
        running = hooks(record)
        running.run("switch", "RUNNING", 5, "")
        running.run_at_end("FINISHED", 7, "")
        go.touch()
        until(lambda: "failed" in folder.log.read_text())
        time.sleep(1)
        assert warnings(folder) == []
        record.close()
    until(lambda: warnings(folder))
    assert warnings(folder) == [("hook", "the hook for switch")]
