"""The checkpoints that a run folder holds, found by whoever asks; what is in them is the engine's affair."""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acceltui.runs.files import read_regular
from acceltui.runs.folder import RunFolder

Manifest = dict[str, Any]
LARGEST_MANIFEST = 1 << 26
NAME = re.compile(r"([0-9]{10,})-[0-9]+(\.[0-9]+)?")
"""Of a checkpoint's folder: step, attempt, and a number where the step was saved again."""


@dataclass(frozen=True)
class Found:
    """A checkpoint whose manifest can be read."""

    path: Path
    manifest: Manifest

    @property
    def step(self) -> int:
        """Training steps taken then."""
        return int(self.manifest["step"])

    @property
    def folder(self) -> RunFolder:
        """The run's."""
        return RunFolder(self.path.parents[1])

    @property
    def segments(self) -> Path | None:
        """Where its replays' frames lie; None where that is a scratch folder that nobody names here."""
        return segments_folder(self.folder, self.manifest["scratch"])

    def replays(self) -> dict[str, list[dict[str, Any]]]:
        """Segments by replay; none where they lay in a scratch folder and are not here, or not whole. They are read."""
        lost = self.segments is None or (self.manifest["scratch"] and self._damage_of_segments())
        return {} if lost else self.manifest["replays"]

    def damage(self) -> str:
        """What is wrong with its files, in a clause; empty if nothing is. All of them are read, but for those in a
        scratch folder: without these a run goes on as well as it may."""
        for name in {**self.manifest["files"], "recipe.yaml": None}:
            if wrong := self.damage_of(name):
                return wrong
        return "" if self.manifest["scratch"] else self._damage_of_segments()

    def damage_of(self, name: str) -> str:
        """The same of one of its own files."""
        sealed = self.manifest["files"].get(name)
        return wrong_with(self.path / name, sealed) if sealed else f"{name} is not among its files"

    def _damage_of_segments(self) -> str:
        folder = self.segments
        assert folder is not None
        parts = [part for parts in self.manifest["replays"].values() for part in parts]
        return next((wrong for part in parts if (wrong := wrong_with(folder / part["file"], part))), "")


def wrong_with(file: Path, sealed: Mapping[str, Any]) -> str:
    """In which way a file is not what was written, in a clause; empty if in none."""
    try:
        if file.is_symlink() or (file.exists() and not file.is_file()):
            return f"{file.name} is no regular file"
        if file.stat().st_size != sealed["bytes"]:
            return f"{file.name} has another size than was written"
        with file.open("rb") as opened:
            damaged = hashlib.file_digest(opened, "sha256").hexdigest() != sealed["sha256"]
            return f"{file.name} is damaged" if damaged else ""
    except OSError as error:
        return f"{file.name} cannot be read: {error.strerror}"


def segments_folder(folder: RunFolder, scratch: bool) -> Path | None:
    """Where the frames of a run's replays lie: with it, or below $ACCEL_SCRATCH, for a run that lies on a network a
    folder on a disk of this machine. None where that is not set to an absolute path."""
    if not scratch:
        return folder.replay
    root = Path(os.environ.get("ACCEL_SCRATCH", ""))
    path = folder.path.resolve()
    name = f"accel-{folder.name}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    return root / name if root.is_absolute() else None


def find_checkpoints(folder: RunFolder) -> list[Found]:
    """All whose manifest can be read, in the order they were saved."""
    return find_among(checkpoint_folders(folder))


def find_among(paths: Iterable[Path]) -> list[Found]:
    """The same, of these folders."""
    from acceltui.runs.manifest import WellFormed  # pydantic: a tenth of a second

    found = []
    for path in paths:
        with contextlib.suppress(OSError, ValueError):
            manifest = WellFormed.model_validate_json(read_regular(path / "manifest.json", LARGEST_MANIFEST)[0])
            if int(path.name.partition("-")[0]) == manifest.step:
                found.append(Found(path, manifest.model_dump()))
    return sorted(found, key=lambda one: (one.manifest["attempt"], one.step, one.manifest["time"]))


def checkpoint_folders(folder: RunFolder) -> list[Path]:
    """What has a checkpoint's name, whatever lies in it, by name."""
    paths = folder.checkpoints.iterdir() if folder.checkpoints.is_dir() else ()
    return sorted(path for path in paths if NAME.fullmatch(path.name))


def find_telling(folder: RunFolder) -> tuple[list[Found], list[str]]:
    """All whose manifest can be read, in the order they were saved, and a sentence for each other."""
    paths = checkpoint_folders(folder)  # once: an engine may be saving, and removing what is old
    found = find_among(paths)
    unreadable = {path.name for path in paths if path.exists()} - {one.path.name for one in found}
    return found, [skipped(name, "it has no manifest that can be read") for name in sorted(unreadable)]


def skipped(name: str, wrong: str) -> str:
    """What to say of a checkpoint that is not used."""
    return f"checkpoint {name} is skipped: {wrong}"


def newest_whole(folder: RunFolder) -> tuple[Found | None, list[str]]:
    """The newest checkpoint that nothing is wrong with, and a sentence for each that is damaged: of those whose
    manifest can be read, only the newer ones are looked at."""
    found, told = find_telling(folder)
    for one in reversed(found):
        wrong = one.damage()
        if not wrong:
            return one, told
        told.append(skipped(one.path.name, wrong))
    return None, told


def pick(found: Sequence[Found], at: str) -> list[Found]:
    """Of checkpoints in the order they were saved, those that `at` means, newest first: a step, a reason (`switch`,
    `best`), or `last` for all of them."""
    return [one for one in reversed(found) if at in ("last", str(one.step), *one.manifest["why"])]


def listed(found: Iterable[Found]) -> str:
    """Checkpoints for a sentence, by step and reasons."""
    return "; ".join(f"{one.step} ({', '.join(one.manifest['why'])})" for one in found)
