"""Commands and answers over files, and what is no command."""

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from unittest.mock import Mock

import pytest

from acceltui.runs import commands
from acceltui.runs.commands import (
    LARGEST_FILE,
    CommandInbox,
    read_ack,
    requester,
    send_command,
    wait_for_ack,
    withdraw_command,
)
from acceltui.runs.folder import RunFolder


def drop(folder: RunFolder, name: str = "1", **changes: object) -> Path:
    """Put a command file into the folder as anyone could."""
    document = {"id": name, "kind": "pause", "by": "me@here", "ttl_s": 60} | changes
    path = folder.commands / f"{name}.json"
    path.write_text(json.dumps({key: value for key, value in document.items() if value is not None}))
    return path


def test_a_command_arrives_once_and_is_answered(folder: RunFolder) -> None:
    inbox = CommandInbox(folder)
    id = send_command(folder, "switch", by="me@here", expected_stage="accelerate", args={"why": "curve is flat"})
    [command] = inbox.poll()
    assert (command.id, command.kind, command.by, command.expected_stage) == (id, "switch", "me@here", "accelerate")
    assert command.args == {"why": "curve is flat"}
    assert inbox.poll() == []
    assert wait_for_ack(folder, id, timeout=0) is None

    inbox.ack(command, "taken", step=10)
    taken = wait_for_ack(folder, id, timeout=0, until=("taken",))
    assert taken is not None and taken.step == 10
    assert list(folder.commands.iterdir())

    inbox.ack(command, "done", reason="stage online", step=12)
    done = wait_for_ack(folder, id, timeout=0)
    assert done is not None and (done.state, done.reason, done.step) == ("done", "stage online", 12)
    assert list(folder.commands.iterdir()) == []


def test_waiting_sees_an_answer_that_comes_later(folder: RunFolder) -> None:
    id = send_command(folder, "pause", by=requester())
    inbox = CommandInbox(folder)
    [command] = inbox.poll()
    answer = threading.Timer(0.2, inbox.ack, (command, "done"))
    answer.start()
    ack = wait_for_ack(folder, id, timeout=20)
    assert ack is not None and ack.state == "done"


def test_commands_come_in_the_order_they_were_sent(folder: RunFolder) -> None:
    sent = [send_command(folder, kind, by="me") for kind in ("pause", "evaluate", "unpause", "stop")]
    assert [command.id for command in CommandInbox(folder).poll()] == sent


def test_another_process_may_send(folder: RunFolder) -> None:
    code = "import sys; from pathlib import Path; from acceltui.runs.folder import RunFolder\n"
    code += (
        "from acceltui.runs.commands import send_command; send_command(RunFolder(Path(sys.argv[1])), 'stop', by='x')"
    )
    subprocess.run([sys.executable, "-c", code, str(folder.path)], check=True)
    assert [command.kind for command in CommandInbox(folder).poll()] == ["stop"]


def test_a_withdrawn_command_never_arrives(folder: RunFolder) -> None:
    withdraw_command(folder, send_command(folder, "stop", by="me"))
    assert CommandInbox(folder).poll() == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "format_disk"}, "kind must be one of"),
        ({"kind": ["pause"]}, "kind has the wrong type"),
        ({"by": None}, "missing"),
        ({"by": 7}, "by has the wrong type"),
        ({"id": "2"}, "not its file's name"),
        ({"args": []}, "args has the wrong type"),
        ({"expected_stage": 1}, "expected_stage"),
        ({"ttl_s": -1}, "ttl_s"),
        ({"ttl_s": float("inf")}, "ttl_s"),
        ({"ttl_s": float("nan")}, "ttl_s"),
        ({"ttl_s": 10**400}, "ttl_s"),
        ({"args": {"x": "y" * LARGEST_FILE}}, "larger than"),
    ],
)
def test_what_is_no_command_is_refused_with_a_reason(
    folder: RunFolder, changes: dict[str, object], reason: str
) -> None:
    drop(folder, **changes)
    assert CommandInbox(folder).poll() == []
    ack = read_ack(folder, "1")
    assert ack is not None and ack.state == "refused"
    assert reason in ack.reason
    assert list(folder.commands.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"[" * 50_000])
def test_what_is_no_json_object_is_refused(folder: RunFolder, data: bytes) -> None:
    (folder.commands / "1.json").write_bytes(data)
    assert CommandInbox(folder).poll() == []
    ack = read_ack(folder, "1")
    assert ack is not None and ack.state == "refused"


def test_a_link_is_refused(folder: RunFolder, tmp_path: Path) -> None:
    target = drop(folder).rename(tmp_path / "elsewhere.json")
    (folder.commands / "1.json").symlink_to(target)
    assert CommandInbox(folder).poll() == []
    ack = read_ack(folder, "1")
    assert ack is not None and (ack.state, "link" in ack.reason) == ("refused", True)
    assert target.exists() and list(folder.commands.iterdir()) == []


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_a_folder_is_refused(folder: RunFolder, make: object) -> None:
    make(folder.commands / "1.json")  # type: ignore[operator]
    inbox = CommandInbox(folder)
    assert inbox.poll() == inbox.poll() == []
    ack = read_ack(folder, "1")
    assert ack is not None and "not a regular file" in ack.reason


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of another user")
def test_a_file_of_another_user_is_refused(folder: RunFolder) -> None:
    os.chown(drop(folder), 12345, 12345)
    assert CommandInbox(folder).poll() == []
    ack = read_ack(folder, "1")
    assert ack is not None and "another user" in ack.reason


@pytest.mark.parametrize("name", [".1.json", "..json", "notes.txt", "a b.json", "x" * 65 + ".json", "a.json.tmp"])
def test_other_files_are_left_alone(folder: RunFolder, name: str) -> None:
    (folder.commands / name).write_text("{}")
    assert CommandInbox(folder).poll() == []
    assert (folder.commands / name).exists()
    assert list(folder.acks.iterdir()) == []


@pytest.mark.parametrize(("age", "ttl_s", "arrives"), [(0, 60, True), (50, 60, True), (61, 60, False), (5, 2, False)])
def test_what_lay_too_long_expires(folder: RunFolder, age: float, ttl_s: float, arrives: bool) -> None:
    path = drop(folder, ttl_s=ttl_s, created=0)
    stamp = path.stat().st_mtime - age
    os.utime(path, (stamp, stamp))
    assert bool(CommandInbox(folder).poll()) == arrives
    ack = read_ack(folder, "1")
    assert (ack is None) if arrives else (ack is not None and ack.state == "expired")
    assert path.exists() == arrives


def test_a_command_for_another_attempt_expires(folder: RunFolder) -> None:
    drop(folder, "1", attempt=1)
    drop(folder, "2", attempt=2)
    drop(folder, "3")
    assert [command.id for command in CommandInbox(folder, attempt=2).poll()] == ["2", "3"]
    ack = read_ack(folder, "1")
    assert ack is not None and ack.state == "expired"


def test_an_engine_that_died_after_its_answer_does_not_obey_twice(folder: RunFolder) -> None:
    path = drop(folder)
    content = path.read_text()
    inbox = CommandInbox(folder)
    inbox.ack(inbox.poll()[0], "done", step=7)
    path.write_text(content)
    assert CommandInbox(folder).poll() == []
    assert not path.exists()
    ack = read_ack(folder, "1")
    assert ack is not None and ack.step == 7


@pytest.mark.parametrize("data", [b"", b"[]", b'{"state": "done"}', b"7"])
def test_an_answer_that_is_none_is_not_believed(folder: RunFolder, data: bytes) -> None:
    (folder.acks / "1.json").write_bytes(data)
    assert read_ack(folder, "1") is None


@pytest.mark.parametrize("jump", [-3 * 3600, 3 * 3600])
def test_a_command_that_was_sent_while_the_engine_looks_is_taken_however_the_clock_jumps(
    folder: RunFolder, jump: float
) -> None:
    inbox = CommandInbox(folder)
    assert inbox.poll() == []
    path = drop(folder)
    stamp = path.stat().st_mtime - jump
    os.utime(path, (stamp, stamp))
    assert [command.id for command in inbox.poll()] == ["1"]


def test_an_old_command_does_not_come_to_life_when_the_clock_is_set_back(folder: RunFolder) -> None:
    path = drop(folder)
    stamp = path.stat().st_mtime + 3 * 3600
    os.utime(path, (stamp, stamp))
    assert CommandInbox(folder).poll() == []
    ack = read_ack(folder, "1")
    assert ack is not None and ack.state == "expired"


def test_no_command_is_lost_because_another_cannot_be_answered(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk: files can be read and removed, and none be written."""
    drop(folder, "1", kind="nonsense")
    drop(folder, "2")
    write, inbox = commands.write_whole, CommandInbox(folder)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(commands, "write_whole", Mock(side_effect=full))
    monkeypatch.setattr(commands, "folder_clock", Mock(side_effect=full))
    assert [command.id for command in inbox.poll()] == ["2"]
    assert inbox.poll() == []
    monkeypatch.setattr(commands, "write_whole", write)
    assert inbox.poll() == []
    ack = read_ack(folder, "1")
    assert ack is not None and ack.state == "refused"
