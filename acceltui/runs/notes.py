"""notes.json of a run folder: what people say of a run. No engine reads it, and a fork begins without."""

import contextlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from acceltui.runs.files import read_regular, write_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import RunError
from acceltui.runs.text import clean

TAG = re.compile(r"[a-z0-9_.-]{1,24}")
MOST_TAGS = 8
LONGEST_NOTE = 300
LARGEST_NOTES = 1 << 14
"""Bytes of a notes.json that is read; ours is far smaller."""


@dataclass(frozen=True)
class Notes:
    """Tags and a note; safe to show."""

    tags: tuple[str, ...] = ()
    note: str = ""

    @property
    def shown_tags(self) -> str:
        """+good +seed-study"""
        return " ".join(f"+{tag}" for tag in self.tags)

    @property
    def text(self) -> str:
        """All of it on one line."""
        return "  ".join(part for part in (self.shown_tags, self.note) if part)

    def tagged(self, words: Iterable[str]) -> "Notes":
        """With `+good` or `good` added and `-bad` taken away; RunError for what is no tag, or one too many."""
        tags = list(self.tags)
        for word in words:
            tag = word[1:] if word[:1] in ("+", "-") else word
            if not TAG.fullmatch(tag):
                raise RunError(
                    f"{word!r}: a tag is made of a-z, 0-9, '_', '.' and '-', at most 24 of them; "
                    "+tag adds it, -tag takes it away."
                )
            tags = [other for other in tags if other != tag] + ([] if word[0] == "-" else [tag])
        if len(tags) > MOST_TAGS:
            raise RunError(f"A run has at most {MOST_TAGS} tags: take one away with -tag.")
        return Notes(tuple(tags), self.note)

    def noted(self, text: str) -> "Notes":
        """With this note instead; RunError for one that is too long."""
        note = clean(text).strip()
        if len(note) > LONGEST_NOTE:
            raise RunError(f"A note has at most {LONGEST_NOTE} characters, and this one {len(note)}.")
        return Notes(self.tags, note)


def read_notes(folder: RunFolder) -> Notes:
    """What was noted; nothing where there is no file, or none that can be understood."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        written = json.loads(read_regular(folder.notes, LARGEST_NOTES)[0])
        if isinstance(written, dict):
            tags, note = written.get("tags"), written.get("note")
            listed = tags if isinstance(tags, list) else []
            known = [tag for tag in listed if isinstance(tag, str) and TAG.fullmatch(tag)]
            text = clean(note)[:LONGEST_NOTE] if isinstance(note, str) else ""
            return Notes(tuple(dict.fromkeys(known))[:MOST_TAGS], text)
    return Notes()


def write_notes(folder: RunFolder, notes: Notes) -> None:
    """Put `notes` in place of those before."""
    write_whole(folder.notes, json.dumps(asdict(notes)).encode() + b"\n")
