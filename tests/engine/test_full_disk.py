"""A disk that is full for a while costs no row, no event and no older checkpoint, and ends no run."""

import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from engine_process import engine_command, events, new_run, status_of, until
from engine_recipes import small
from small_disk import Disk, small_disk
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

from acceltui.runs.checkpoints import find_checkpoints, newest_whole
from acceltui.runs.commands import send_command, wait_for_ack
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader

LONG: dict[str, Any] = {"accelerator": {"steps": 10_000_000}, "log": {"tensorboard": True}}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk", "-t tmpfs -o size=24m,nr_inodes=1000 tmpfs") as mounted:
        yield mounted


def start(disk: Disk, folder: RunFolder, verb: str = "run") -> subprocess.Popen[bytes]:
    """An engine that prints onto the same disk."""
    path = disk.path / folder.name
    words = " ".join(engine_command(verb, path))
    return subprocess.Popen(disk.inside("sh", "-c", f"exec {words} >> {path / 'engine.log'} 2>&1"))


def trains_on(process: subprocess.Popen[bytes]) -> None:
    """Wait until an engine has worked for another two seconds."""
    before = psutil.Process(process.pid).cpu_times().user
    until(lambda: process.poll() is not None or psutil.Process(process.pid).cpu_times().user > before + 2)
    assert process.poll() is None


def test_a_disk_full_twice_costs_nothing_but_the_checkpoints_of_that_time(disk: Disk) -> None:
    folder = new_run(disk.seen, small(**LONG))
    process = start(disk, folder)
    try:
        until(lambda: len(events(folder, "checkpoint")) >= 3 or process.poll() is not None)

        # Files give out in the middle of a save, which bytes told beforehand do not show.
        inodes = disk.take_inodes(left=4)
        until(lambda: [event for event in events(folder, "warning") if "no checkpoint" in event["message"]])
        before = find_checkpoints(folder)
        assert before and not any(one.damage() for one in before)
        shutil.rmtree(inodes)
        saved = len(events(folder, "checkpoint"))
        until(lambda: len(events(folder, "checkpoint")) > saved)
        assert not any(one.damage() for one in find_checkpoints(folder))

        filler = disk.fill(folder.log)
        trains_on(process)
        assert not any(one.damage() for one in find_checkpoints(folder))
        filler.unlink()
        told = "the disk did not take what there was to write: No space left on device; it is written now"
        until(lambda: any(told in event["message"] for event in events(folder, "warning")))
        saved = len(events(folder, "checkpoint"))
        until(lambda: len(events(folder, "checkpoint")) > saved)

        assert wait_for_ack(folder, send_command(folder, "switch", by="me@here"), timeout=60) is not None
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert status_of(folder).state == "FINISHED"
    newest, skipped = newest_whole(folder)
    assert newest is not None and "end" in newest.manifest["why"] and not skipped
    assert not list(folder.checkpoints.glob(".*"))

    reader = JsonlReader(folder.metrics)
    written = reader.poll()
    assert reader.skipped == 0
    assert [row["seq"] for row in written] == list(range(len(written)))
    trained = [row["step"] for row in written if "speed/steps" in row]
    assert trained == list(range(20, status_of(folder).step + 1, 20))
    times = [row["time"] for row in written]
    assert times == sorted(times)
    assert all(
        later["step"] >= earlier["step"]
        for earlier, later in zip(
            *(JsonlReader(folder.events).poll()[part] for part in (slice(-1), slice(1, None))), strict=True
        )
    )
    assert [event.step for event in tensorboard(folder)] == [row["step"] for row in written]


def tensorboard(folder: RunFolder) -> list[Event]:
    """What TensorBoard reads, checked as it does."""
    (path,) = folder.tensorboard.iterdir()
    data, found = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        record = data[12 : 12 + length]
        assert data[8:12] == struct.pack("<I", masked_crc32c(data[:8]))
        assert data[12 + length : 16 + length] == struct.pack("<I", masked_crc32c(record))
        found.append(Event.FromString(record))
        data = data[16 + length :]
    assert found[0].file_version == "brain.Event:2"
    return found[1:]
