"""status.json: whole, typed, and never trusted."""

import json
import os
from pathlib import Path

import pytest

from acceltui.runs.folder import RunFolder
from acceltui.runs.status import LARGEST_STATUS, Status, read_status, write_status


def test_what_is_written_is_read(folder: RunFolder) -> None:
    write_status(folder, Status(state="RUNNING", step=500, pid=7, pid_started=1.5, host="h", progress={"eta_s": 3.0}))
    status = read_status(folder)
    assert status is not None
    assert (status.state, status.step, status.pid, status.pid_started) == ("RUNNING", 500, 7, 1.5)
    assert status.progress == {"eta_s": 3.0}
    assert status.time > 0


def test_the_file_is_json_for_every_reader(folder: RunFolder) -> None:
    write_status(
        folder, Status(state="RUNNING", progress={"latest": {"loss/critic": float("nan")}, "x": [float("inf")]})
    )
    document = json.loads(folder.status.read_text(), parse_constant=pytest.fail)
    assert document["progress"] == {"latest": {"loss/critic": None}, "x": [None]}


def test_no_half_written_file_stays(folder: RunFolder) -> None:
    with pytest.raises(TypeError):
        write_status(folder, Status(state="RUNNING", progress={"x": object()}))
    status = read_status(folder)
    assert status is not None and status.state == "STARTING"
    assert not [path for path in folder.path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"state": "RUN',
        b"[1]",
        b"{}",
        b'{"state": 7}',
        b'{"state": "RUNNING", "pid": "1"}',
        b'{"state": "RUNNING", "step": true}',
        b'{"state": "RUNNING", "progress": []}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"state": "RUNNING", "step": 1' + b"0" * 400 + b"}",
        b'{"state": "RUNNING", "time": NaN}',
        b'{"state": "RUNNING", "time": -Infinity}',
        b'{"state": "RUNNING"}' + b" " * LARGEST_STATUS,
    ],
    ids=lambda data: data[:30].decode(errors="replace"),
)
def test_what_is_no_status_is_none(folder: RunFolder, data: bytes) -> None:
    folder.status.write_bytes(data)
    assert read_status(folder) is None


def test_keys_of_a_newer_version_are_left_out(folder: RunFolder) -> None:
    folder.status.write_text('{"state": "RUNNING", "mood": "good"}')
    assert read_status(folder) == Status(state="RUNNING")


def test_a_link_is_not_followed(folder: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"state": "RUNNING"}')
    folder.status.unlink()
    folder.status.symlink_to(tmp_path / "secret.json")
    assert read_status(folder) is None


def test_a_pipe_does_not_hold_the_reader(folder: RunFolder) -> None:
    folder.status.unlink()
    os.mkfifo(folder.status)
    assert read_status(folder) is None
