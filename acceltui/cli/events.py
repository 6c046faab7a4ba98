"""events.jsonl, chosen from and in columns."""

import time
from collections.abc import Collection, Iterator
from typing import Any

from acceltui.cli.follow import LOOK_EVERY, WITH_ENGINE, seen
from acceltui.cli.parameters import columns
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader

KINDS = {"warning": {"warning", "error"}, "error": {"error"}}
"""Of events that matter so much, or more."""


def read_events(folder: RunFolder, kinds: Collection[str] | None, *, follow: bool) -> Iterator[dict[str, Any]]:
    """All events of these kinds, then, with `follow`, new ones until the run has ended."""
    events = JsonlReader(folder.events)
    while True:
        living = follow and seen(folder)[1] in WITH_ENGINE
        for event in events.catch_up():
            if kinds is None or str(event.get("kind")) in kinds:
                yield event
        if not living:
            return
        time.sleep(LOOK_EVERY)


def as_columns(event: dict[str, Any]) -> str:
    """Time, step, kind, by, message."""
    return columns(*(event.get(key) for key in ("time", "step", "kind", "by", "message")))
