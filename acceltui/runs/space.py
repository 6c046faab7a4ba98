"""What run folders take on the disk, and what of it can go."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from acceltui.runs.checkpoints import find_checkpoints, segments_folder
from acceltui.runs.files import write_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import observed_state
from acceltui.runs.lock import engine_lock
from acceltui.runs.paths import RunError
from acceltui.runs.status import LIVING, read_status


@dataclass(frozen=True)
class Waste:
    """Something of a run that can go."""

    folder: RunFolder
    what: str
    """A clause."""
    paths: tuple[Path, ...]
    replays: bool = False
    """Whether checkpoints name it, and are to go on without."""

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(map(size_of, self.paths))


def size_of(path: Path) -> int:
    """Bytes that a file or a folder takes on the disk; links are not followed."""
    with contextlib.suppress(OSError):
        own = path.lstat().st_blocks * 512
        return own + (sum(map(size_of, path.iterdir())) if path.is_dir() and not path.is_symlink() else 0)
    return 0


def has_engine(folder: RunFolder) -> bool:
    """Whether an engine is there, be it one that does not answer."""
    status = read_status(folder)
    return status is not None and observed_state(folder, status) in LIVING | {"STALLED"}


def whole_run(folder: RunFolder) -> Waste:
    """All of a run, with what it has on a scratch disk; RunError where that cannot go."""
    if has_engine(folder):
        raise RunError(f"{folder.name} runs: `accel stop {folder.name}` first.")
    return Waste(folder, "", (folder.path, *scratch(folder)))


def find_waste(folder: RunFolder, *, replays: bool) -> Iterator[Waste]:
    """What can go of a run that no engine has: all of one that failed before anything was measured, what an engine left
    behind that was killed, and with `replays` those of one that is FINISHED."""
    status = read_status(folder)
    if status is None or has_engine(folder):
        return
    checkpoints = find_checkpoints(folder)
    if status.state in ("FAILED", "STARTING") and not checkpoints and not folder.metrics.exists():
        yield Waste(folder, "never began", (folder.path, *scratch(folder)))
        return
    left = [path for path in folder.checkpoints.glob(".*") if path.suffix in (".part", ".gone") and path.is_dir()]
    if left:
        yield Waste(folder, "left behind by an engine that was killed", tuple(left))
    if replays and status.state == "FINISHED" and any(found.manifest["replays"] for found in checkpoints):
        places = [place for place in (folder.replay, *scratch(folder)) if place.is_dir()]
        yield Waste(folder, "replay of a FINISHED run", tuple(places), replays=True)


def scratch(folder: RunFolder) -> list[Path]:
    """The run's place on a scratch disk, if it has one here that is ours."""
    place = segments_folder(folder, scratch=True)
    there = place is not None and place.is_dir() and not place.is_symlink() and place.stat().st_uid == os.geteuid()
    return [place] if there and place is not None else []


def remove(waste: Waste) -> None:
    """Remove it; RunError where an engine has taken the run meanwhile, OSError where the disk refuses."""
    with engine_lock(waste.folder):
        if waste.replays:
            for found in find_checkpoints(waste.folder):
                manifest = {**found.manifest, "replays": {}}
                write_whole(found.path / "manifest.json", json.dumps(manifest, indent=1).encode())
        for path in waste.paths:
            shutil.rmtree(path)
