"""Checkpoints: all that a run needs to go on, as safetensors and JSON, published whole or not at all.

The replay is saved in segments, each written once: a checkpoint names those it needs, and writes only the frames that
are new. A segment that no checkpoint names is removed.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn

from acceltui.engine.replay import Replay
from acceltui.engine.state import State, load_state, save_state, save_tensors
from acceltui.runs.checkpoints import Found, Manifest, find_checkpoints, segments_folder
from acceltui.runs.files import make_private_folder, write_whole
from acceltui.runs.folder import RunFolder

SEGMENT_BYTES = 1 << 28
"""Of frames that are copied and written together: all of a replay at once would be there twice."""
KEPT_FEW = ("periodic", "best", "end")
"""Reasons that become old; a checkpoint that has another stays."""
SPARE = 1 << 22
"""Bytes that must be left when a checkpoint is written."""


@dataclass(frozen=True)
class Moment:
    """What is saved of a run at one step."""

    step: int
    stage: str
    networks: Mapping[str, nn.Module]
    state: State
    replays: Mapping[str, Replay]
    """Empty where none is to be saved."""


class Saved:
    """A checkpoint that was found whole, to be read."""

    def __init__(self, found: Found) -> None:
        self.path, self.manifest, self.step = found.path, found.manifest, found.step

    def networks(self) -> dict[str, State]:
        """Weights by network."""
        names = (name.removesuffix(".safetensors") for name in self.manifest["files"] if name.endswith(".safetensors"))
        return {name: load_file(self.path / f"{name}.safetensors") for name in names if name != "state"}

    def state(self) -> State:
        """All else but the replays."""
        return load_state(self.path / "state")

    def fill(self, name: str, state: State, replay: Replay) -> Replay:
        """The replay of that name, as it stood: `replay` itself, or where its capacity is another by now, one that
        holds the newest of it."""
        then = replay if state["capacity"] == replay.capacity else replay.like(state["capacity"])
        for segment in self.manifest["replays"][name]:
            first, last = np.array(segment["first"]), np.array(segment["last"])
            frames = load_file(segments_folder(self.path.parent) / segment["file"])
            if any(len(part) != (last - first + 1).sum() for part in frames.values()):
                raise ValueError(f"{segment['file']} does not hold the frames that are said to be in it")
            then.put(first, last, frames)
        then.load(state)
        return then if then is replay else then.newest(replay.capacity, replay.capacity)


class Checkpoints:
    """The checkpoints of a run: the last `keep` periodic ones, the best, and every other kind, of all attempts."""

    def __init__(self, folder: RunFolder, attempt: int, keep: int) -> None:
        self._folder, self._attempt, self._keep = folder.checkpoints, attempt, keep
        self._share = bool(self._folder.stat().st_mode & 0o040)
        self._segments: dict[str, tuple[weakref.ref[Replay], list[dict[str, Any]]]] = {}
        """By replay: which it is, since a new one has frames of its own, and what of it is written."""
        for left in self._folder.iterdir():
            # Of an engine that died meanwhile: a half, one that was going, or one whose manifest was to come.
            if left.name.startswith(".") or not (left / "manifest.json").exists():
                shutil.rmtree(left, ignore_errors=True)
        self._manifests = {found.path: found.manifest for found in find_checkpoints(folder)}

    def save(self, moment: Moment, whys: list[str], leaving: dict[str, str] | None = None) -> Manifest:
        """Save; gives {"step", "time", "name"} of the checkpoint.

        Each why is periodic, switch, best, command or end. `leaving`: the stage was being left, and how. OSError where
        there is no space or the disk fails: nothing that was saved before has changed then.
        """
        path = self._new_path(moment.step)
        written: list[Path] = []
        try:
            self._check_space(moment)
            replays = {name: self._write_segments(name, replay, written) for name, replay in moment.replays.items()}
            files = self._write(path, moment)
            manifest: Manifest = {
                "version": 2,
                "step": moment.step,
                "stage": moment.stage,
                "attempt": self._attempt,
                "why": list(dict.fromkeys(whys)),
                "leaving": leaving,
                "time": time.time(),
                "files": files,
                "replays": replays,
            }
            self._publish(path, manifest)
        except BaseException:
            for part in (path.with_name(f".{path.name}.part"), path):
                shutil.rmtree(part, ignore_errors=True)
            for file in written:
                file.unlink(missing_ok=True)
            raise
        for name, replay in moment.replays.items():
            self._segments[name] = weakref.ref(replay), replays[name]
        self._manifests[path] = manifest
        with contextlib.suppress(OSError):  # what cannot be tidied up now is at the next save
            for why in KEPT_FEW:
                self._thin_out(why)
            self._drop_segments()
        return {"step": moment.step, "time": manifest["time"], "name": path.name}

    def _new_path(self, step: int) -> Path:
        """A name that is free: a step may be saved again when more has happened at it."""
        name = f"{step:010d}-{self._attempt}"
        taken = sum(path.name.startswith(name) for path in self._manifests)
        while (path := self._folder / (name + (f".{taken}" if taken else ""))).exists():
            taken += 1
        return path

    def _write(self, path: Path, moment: Moment) -> dict[str, Any]:
        # A reader looks for the manifest, which comes last; the folder gets its name when all else lies in it.
        parts = path.with_name(f".{path.name}.part")
        shutil.rmtree(parts, ignore_errors=True)
        make_private_folder(parts, share=self._share)
        for name, network in moment.networks.items():
            weights = {key: value.detach().cpu() for key, value in network.state_dict().items()}
            save_tensors(weights, parts / f"{name}.safetensors")
        save_state(moment.state, parts / "state")
        files = {file.name: seal(file) for file in sorted(parts.iterdir())}
        parts.rename(path)
        return files

    def _new_frames(self, name: str, replay: Replay) -> tuple[list[dict[str, Any]], NDArray[np.int64]]:
        """Segments of a replay that are written and still needed, and of each ring the first frame that is not."""
        lowest, segments = replay.first_frames, []
        if name in self._segments and self._segments[name][0]() is replay:
            segments = [part for part in self._segments[name][1] if (np.array(part["last"]) >= lowest).any()]
        return segments, np.maximum(np.array(segments[-1]["last"]) + 1, lowest) if segments else lowest

    def _check_space(self, moment: Moment) -> None:
        """OSError where a checkpoint might not fit: better none than half of one."""
        needed = SPARE + 4 * sum(
            4 * part.numel() for network in moment.networks.values() for part in network.parameters()
        )
        for name, replay in moment.replays.items():
            frames = int((replay.newest_frames + 1 - self._new_frames(name, replay)[1]).sum())
            needed += frames * replay.frame_bytes
        if shutil.disk_usage(self._folder).free < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _write_segments(self, name: str, replay: Replay, written: list[Path]) -> list[dict[str, Any]]:
        """Write what is new of a replay, a part at a time; gives the segments that hold all of it."""
        segments, first = self._new_frames(name, replay)
        newest = replay.newest_frames
        steps = max(1, SEGMENT_BYTES // (replay.frame_bytes * len(newest)))
        while (first <= newest).any():
            last = np.minimum(first + steps - 1, newest)
            folder = segments_folder(self._folder)
            if not folder.exists():
                make_private_folder(folder, share=self._share)
            file = folder / f"{name}-{self._attempt}-{os.urandom(6).hex()}.safetensors"
            written.append(file)
            save_tensors({key: part.cpu().contiguous() for key, part in replay.frames(first, last).items()}, file)
            segments = [*segments, {"file": file.name, "first": first.tolist(), "last": last.tolist(), **seal(file)}]
            first = last + 1
        return segments

    def adopt(self, saved: "Saved", replays: Mapping[str, Replay]) -> None:
        """Go on from a checkpoint: its segments hold what these replays do, and need not be written again."""
        for name, replay in replays.items():
            self._segments[name] = weakref.ref(replay), saved.manifest["replays"][name]

    def _publish(self, path: Path, manifest: Manifest) -> None:
        write_whole(path / "manifest.json", json.dumps(manifest, indent=1).encode())
        seal(path / "manifest.json")
        for folder in (path, self._folder):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            os.fsync(descriptor)
            os.close(descriptor)

    def _thin_out(self, why: str) -> None:
        """Drop the reason that has become old; a checkpoint without a reason goes."""
        holders = [path for path, manifest in self._manifests.items() if why in manifest["why"]]
        kept = self._keep if why == "periodic" else 1
        for path in holders[: max(len(holders) - kept, 0)]:
            manifest = self._manifests[path]
            if left := [other for other in manifest["why"] if other != why]:
                thinned = {**manifest, "why": left}
                self._publish(path, thinned)
                self._manifests[path] = thinned
                continue
            # Its name goes first, so that nobody takes what is left of it for a checkpoint.
            gone = path.rename(path.with_name(f".{path.name}.gone"))
            del self._manifests[path]
            shutil.rmtree(gone, ignore_errors=True)

    def _drop_segments(self) -> None:
        named = {
            segment["file"]
            for manifest in self._manifests.values()
            for segments in manifest["replays"].values()
            for segment in segments
        }
        folder = segments_folder(self._folder)
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.name not in named:
                file.unlink(missing_ok=True)


def seal(file: Path) -> dict[str, Any]:
    """Make sure that a file is on the disk; gives its size and hash."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return {"bytes": file.stat().st_size, "sha256": digest}
