"""The frames of a run's replays on the disk, in segments that are written once: a checkpoint names those it needs, and
writes only the frames that are new. A segment that no checkpoint names is removed."""

import contextlib
import errno
import os
import shutil
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file

from acceltui.engine.errors import SetupError
from acceltui.engine.replay import Replay
from acceltui.engine.state import save_tensors
from acceltui.runs.checkpoints import Manifest, checkpoint_folders, segments_folder
from acceltui.runs.files import is_ours, make_private_folder, seal
from acceltui.runs.folder import RunFolder

SEGMENT_BYTES = 1 << 28
"""Of frames that are copied and written together: all of a replay at once would be there twice."""
Segment = dict[str, Any]


class Segments:
    """Those of a run: in its folder, or on a disk of this machine where $ACCEL_SCRATCH names a folder."""

    def __init__(self, folder: RunFolder, attempt: int) -> None:
        self._run, self._attempt = folder, attempt
        self.scratch = segments_folder(folder, scratch=True) is not None
        found = segments_folder(folder, self.scratch)
        assert found is not None
        self.folder = found
        self._share = bool(folder.checkpoints.stat().st_mode & 0o040)
        if self.scratch:
            try:
                self._make_folder()
            except OSError as error:
                message = f"{self.folder} cannot be made: {error.strerror}"
                raise SetupError("environment", "ACCEL_SCRATCH", message, "name another folder, or none") from error
        elif os.environ.get("ACCEL_SCRATCH"):
            raise SetupError("environment", "ACCEL_SCRATCH", "it has to be an absolute path")
        self._written: dict[str, tuple[weakref.ref[Replay], list[Segment]]] = {}
        """By replay: which it is, since a new one has frames of its own, and what of it is written."""

    def write(self, name: str, replay: Replay, written: list[Path]) -> list[Segment]:
        """Write what is new of a replay, a part at a time; gives the segments that hold all of it, and adds to
        `written`. They count from `keep` on."""
        segments, first = self._new_frames(name, replay)
        newest = replay.newest_frames
        steps = max(1, SEGMENT_BYTES // (replay.frame_bytes * len(newest)))
        while (first <= newest).any():
            last = np.minimum(first + steps - 1, newest)
            self._make_folder()
            file = self.folder / f"{name}-{self._attempt}-{os.urandom(6).hex()}.safetensors"
            written.append(file)
            save_tensors({key: part.cpu().contiguous() for key, part in replay.frames(first, last).items()}, file)
            segments = [*segments, {"file": file.name, "first": first.tolist(), "last": last.tolist(), **seal(file)}]
            first = last + 1
        return segments

    def keep(self, replays: Mapping[str, Replay], segments: Mapping[str, list[Segment]]) -> None:
        """These segments hold all of these replays: they need not be written again."""
        for name, replay in replays.items():
            self._written[name] = weakref.ref(replay), segments[name]

    def new_bytes(self, replays: Mapping[str, Replay]) -> int:
        """What is new of them, about."""
        return sum(
            int((replay.newest_frames + 1 - self._new_frames(name, replay)[1]).sum()) * replay.frame_bytes
            for name, replay in replays.items()
        )

    def drop(self, manifests: Mapping[Path, Manifest]) -> None:
        """Remove those that no checkpoint names, and halves of files that an engine was killed over (the library's
        `.tmp...`). While there is a checkpoint that cannot be read, only this attempt's own segments."""
        all_known = all(path in manifests for path in checkpoint_folders(self._run))
        which = "*.safetensors" if all_known else f"*-{self._attempt}-*.safetensors"
        for scratch in (False, True):
            folder = segments_folder(self._run, scratch)
            held = [one["replays"] for one in manifests.values() if one["scratch"] == scratch]
            named = {part["file"] for replays in held for parts in replays.values() for part in parts}
            if folder is None or not is_ours(folder):
                continue
            for file in (*folder.glob(which), *folder.glob(".tmp*")):
                if file.name not in named:
                    file.unlink(missing_ok=True)

    def _new_frames(self, name: str, replay: Replay) -> tuple[list[Segment], NDArray[np.int64]]:
        """Segments of a replay that are written and still needed, and of each ring the first frame that is not."""
        lowest, segments = replay.first_frames, []
        if name in self._written and self._written[name][0]() is replay:
            segments = [part for part in self._written[name][1] if (np.array(part["last"]) >= lowest).any()]
        return segments, np.maximum(np.array(segments[-1]["last"]) + 1, lowest) if segments else lowest

    def _make_folder(self) -> None:
        """Make it where it is not there; OSError where someone else's is in its place."""
        with contextlib.suppress(FileExistsError):
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            make_private_folder(self.folder, share=self._share)
        if not is_ours(self.folder):
            raise PermissionError(errno.EPERM, "it belongs to another user, or is a link")

    def free(self) -> int:
        """Bytes that its disk has left."""
        parents = (self.folder, *self.folder.parents)
        return shutil.disk_usage(next(path for path in parents if path.exists())).free


def read_segments(folder: Path, segments: Iterable[Segment], replay: Replay) -> None:
    """Put all frames of segments into a replay. ValueError where one does not hold what is said to be in it."""
    for segment in segments:
        first, last = np.array(segment["first"]), np.array(segment["last"])
        frames = load_file(folder / segment["file"])
        if any(len(part) != (last - first + 1).sum() for part in frames.values()):
            raise ValueError(f"{segment['file']} does not hold the frames that are said to be in it")
        replay.put(first, last, frames)
