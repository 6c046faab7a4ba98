"""The engine's pulse goes on whatever becomes of the folders it looks into."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_process import status_of, until

import acceltui.engine.monitor as monitor_module
from acceltui.engine.monitor import Live, Monitor
from acceltui.runs.commands import read_ack, send_command
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import create_run_folder


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    beating = Monitor(create_run_folder(tmp_path, "small", 1, name="run"), Live("accelerated", "RUNNING"), attempt=1)
    beating.start()
    yield beating
    beating.stop()


def beats(folder: RunFolder) -> None:
    """Wait for another two heartbeats."""
    for _ in range(2):
        before = status_of(folder).time
        until(lambda before=before: status_of(folder).time > before)


def is_taken(folder: RunFolder, id: str) -> bool:
    ack = read_ack(folder, id)
    return ack is not None and ack.state == "taken"


@pytest.mark.parametrize("part", ["commands", "acks"])
@pytest.mark.parametrize("how", ["deleted", "a file"])
def test_a_broken_folder_stops_no_heartbeat_and_once_mended_commands_are_taken(
    monitor: Monitor, part: str, how: str
) -> None:
    folder = monitor.folder
    path: Path = getattr(folder, part)
    path.rename(path.with_name("away"))
    if how == "a file":
        path.touch()
    sent = None if part == "commands" else send_command(folder, "pause", by="me@here")
    beats(folder)
    assert not monitor.pending
    path.unlink(missing_ok=True)
    path.with_name("away").rename(path)
    id = sent or send_command(folder, "pause", by="me@here")
    until(lambda: is_taken(folder, id))
    assert [command.id for command in monitor.pending] == [id]


def test_many_hundred_files_stop_no_heartbeat_and_hide_no_command(monitor: Monitor) -> None:
    folder = monitor.folder
    for number in range(800):
        (folder.commands / f"{number:020}.json").write_text("{}")
        (folder.commands / f"{number:020}.junk").touch()
    id = send_command(folder, "pause", by="me@here")
    beats(folder)
    assert len(list(folder.commands.glob("*.json"))) > 1, "one look did it all, between two heartbeats"
    until(lambda: is_taken(folder, id))
    assert [command.id for command in monitor.pending] == [id]
    assert [path.name for path in folder.commands.glob("*.json")] == [f"{id}.json"]


def test_an_answer_that_a_full_disk_does_not_take_is_given_later(monitor: Monitor) -> None:
    folder = monitor.folder
    id = send_command(folder, "pause", by="me@here")
    until(lambda: monitor.pending)
    folder.acks.rename(folder.path / "away")
    monitor.answer(monitor.pending.popleft(), "done")
    beats(folder)
    (folder.path / "away").rename(folder.acks)
    until(lambda: not is_taken(folder, id))
    ack = read_ack(folder, id)
    assert ack is not None and ack.state == "done"


def test_training_that_does_not_end_without_its_folder_is_ended(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As in the midst of a long evaluation."""
    codes: list[int] = []
    monkeypatch.setattr(monitor_module, "LEAVES_WITHIN", 0.0)
    monkeypatch.setattr(os, "_exit", codes.append)
    shutil.rmtree(monitor.folder.path)
    until(lambda: codes)
    assert codes == [1]
    assert "was deleted or moved away" in capfd.readouterr().err
    monitor.try_to_write()
    assert not monitor.folder.path.exists()
