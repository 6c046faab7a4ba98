"""What run folders take on the disk, and what of it can go."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from acceltui.runs.checkpoints import find_checkpoints, segments_folder
from acceltui.runs.files import is_ours, write_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import observed_state
from acceltui.runs.lock import engine_lock
from acceltui.runs.paths import RunError
from acceltui.runs.status import LIVING, read_status, this_host


@dataclass(frozen=True)
class Waste:
    """Something of a run that can go."""

    folder: RunFolder
    what: str
    """A clause; empty for all of a run."""
    paths: tuple[Path, ...]

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
    """Whether an engine is there, be it one that does not answer. Of another host's that is silent the lock decides."""
    status = read_status(folder)
    if status is None:
        return False
    state = observed_state(folder, status)
    return state in LIVING or (state == "STALLED" and status.host == this_host())


def whole_run(folder: RunFolder) -> Waste:
    """All of a run, with what it has on a scratch disk; RunError where that cannot go."""
    if has_engine(folder):
        raise RunError(f"{folder.name} runs: `accel stop {folder.name}` first.")
    return Waste(folder, "", (*scratch(folder), folder.path))


NEVER, KILLED, REPLAY = "never began", "left behind by an engine that was killed", "replay of a FINISHED run"


def find_waste(folder: RunFolder, *, replays: bool) -> Iterator[Waste]:
    """What can go of a run that no engine has: all of one that failed before anything was measured, what an engine left
    behind that was killed, and with `replays` those of one that is FINISHED."""
    status = read_status(folder)
    if status is None or has_engine(folder):
        return
    if status.state in ("FAILED", "STARTING") and not find_checkpoints(folder) and not is_measured(folder):
        yield Waste(folder, NEVER, (*scratch(folder), folder.path))
        return
    left = [path for path in folder.checkpoints.glob(".*") if path.suffix in (".part", ".gone") and path.is_dir()]
    if left:
        yield Waste(folder, KILLED, tuple(left))
    places = [place for place in (folder.replay, *scratch(folder)) if is_ours(place)]
    if replays and places and status.state == "FINISHED":
        yield Waste(folder, REPLAY, tuple(places))


def is_measured(folder: RunFolder) -> bool:
    """Whether there is a row of metrics."""
    return folder.metrics.exists() and folder.metrics.stat().st_size > 0


def scratch(folder: RunFolder) -> list[Path]:
    """The run's place on a scratch disk, if it has one here."""
    place = segments_folder(folder, scratch=True)
    return [place] if place is not None and is_ours(place) else []


def remove(waste: Waste) -> None:
    """Remove it, as far as it still is waste. RunError where an engine has taken the run, OSError where the disk
    refuses."""
    folder = waste.folder
    gone = folder.path.with_name(f".{folder.name}.gone")
    with engine_lock(folder):
        now = [whole_run(folder)] if not waste.what else find_waste(folder, replays=True)
        paths = [path for one in now if one.what == waste.what for path in one.paths]
        for found in find_checkpoints(folder) if waste.what == REPLAY else ():
            if found.segments in paths:  # else they would be taken for damaged
                manifest = {**found.manifest, "replays": {}}
                write_whole(found.path / "manifest.json", json.dumps(manifest).encode(), sync=True)
        if folder.path in paths:
            # Its name goes first: where files that are open stay until they are closed, the lock is one of them.
            paths = [gone if path == folder.path else path for path in paths]
            folder.path.rename(gone)
    for path in paths:
        shutil.rmtree(path)
