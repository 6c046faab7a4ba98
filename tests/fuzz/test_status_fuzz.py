"""Each value of a status replaced by each edge value: whoever shows a run shows something that a terminal can."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from acceltui.cli.follow import event_line, last_line, progress_line, seen
from acceltui.cli.show import as_object, block, table
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import create_run_folder
from acceltui.runs.status import read_status
from acceltui.tui.watch import Watch, read_event
from tests.fuzz.mutate import EDGES

STATUS: dict[str, Any] = {
    "state": "RUNNING",
    "stage": "online",
    "step": 5,
    "pid": 1,
    "pid_started": None,
    "host": os.uname().nodename,
    "attempt": 1,
    "run": "run",
    "error": {"kind": "crash", "message": "it ended"},
    "time": 0.0,
    "progress": {
        "accelerate": {"steps": 1, "of": 2},
        "online": {"steps": 1, "of": 2},
        "eta_s": 1.0,
        "switch_step": 2,
        "rule": "plateau",
        "rule_detail": "best",
        "health": ["it is not well"],
        "time": {"update": 1.0, "idle": 2.0},
        "windows": {"size": 1, "capacity": 2, "from": "replay"},
        "replay": {"size": 1, "capacity": 2},
        "speed": {"steps": 1.0, "updates": 2.0},
        "machine": {"cpu": 1.0, "rss": 1, "disk_free": 1, "gpu": ""},
        "checkpoint": {"step": 1, "time": 1.0, "name": "0000000001-1"},
        "steps": {"evaluation": 1, "clone": 1, "total": 1},
        "latest": {"transformer/return": 1.0, "loss/critic": 1.0},
    },
}


def variants(document: Any) -> Iterator[Any]:
    """The document with one value replaced, for each value and each edge."""
    for key, value in document.items():
        for edge in (edge for edge in EDGES if len(str(edge)) < 1_000):  # longer ones only take longer
            yield {**document, key: edge}
        if isinstance(value, dict):
            for inner in variants(value):
                yield {**document, key: inner}


def shown(folder: RunFolder) -> list[str]:
    """A run as the command line shows it."""
    status = read_status(folder)
    lines = [table([folder]), block(folder), last_line(folder, *seen(folder))]
    return lines if status is None else [*lines, progress_line(status)]


def test_any_status_can_be_shown(tmp_path: Path) -> None:
    folder = create_run_folder(tmp_path, "small", 1, name="run")
    watch = Watch(folder)
    for status in variants(STATUS):
        folder.status.write_text(json.dumps(status))
        try:
            assert all(line.isprintable() for text in shown(folder) for line in text.split("\n"))
            json.dumps(as_object(folder), allow_nan=False)
            watch.poll()
        except Exception as error:
            error.add_note(ascii(status)[:2000])
            raise


def test_any_event_can_be_shown() -> None:
    for event in variants({"time": 1.0, "step": 1, "kind": "start", "by": "engine", "message": "it begins"}):
        assert event_line(event).isprintable()
        assert read_event(event).message.isprintable()
