"""Checkpoints: all that a run needs to go on, as safetensors and JSON, published whole or not at all."""

import contextlib
import errno
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import nn

from acceltui.engine.replay import Replay
from acceltui.engine.segments import Segments, read_segments
from acceltui.engine.state import State, load_state, save_state, save_tensors
from acceltui.recipe.resolved import dump_resolved, load_resolved
from acceltui.recipe.schema import Recipe
from acceltui.runs.checkpoints import LARGEST_MANIFEST, Found, Manifest, find_checkpoints
from acceltui.runs.files import make_private_folder, seal, write_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.versions import versions

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
    cpu: Mapping[str, float] = field(default_factory=dict)
    """What the run has cost, in CPU seconds; empty where nobody counts."""


class Saved:
    """A checkpoint that was found whole, to be read."""

    def __init__(self, found: Found) -> None:
        self.path, self.manifest, self.step = found.path, found.manifest, found.step
        self.segments, self.replays = found.segments, found.replays()
        self.recipe = load_resolved(self.path / "recipe.yaml")
        """What it was trained with."""

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
        assert self.segments is not None
        read_segments(self.segments, self.replays[name], then)
        then.load(state)
        return then if then is replay else then.newest(replay.capacity, replay.capacity)


class Checkpoints:
    """The checkpoints of a run: the last `keep` periodic ones, the best, and every other kind, of all attempts."""

    def __init__(self, folder: RunFolder, attempt: int, recipe: Recipe) -> None:
        self._folder, self._attempt, self._recipe = folder.checkpoints, attempt, recipe
        self.segments = Segments(folder, attempt)
        self._share = bool(self._folder.stat().st_mode & 0o040)
        for left in self._folder.iterdir():
            if left.name.endswith((".part", ".gone")):  # an engine died over it
                discard(left)
        self._manifests = {found.path: found.manifest for found in find_checkpoints(folder)}

    def save(self, moment: Moment, whys: list[str], leaving: dict[str, str] | None = None) -> Manifest:
        """Save; gives {"step", "time", "name"} of the checkpoint.

        Each why is periodic, switch, best, command or end. `leaving`: the stage was being left, and how. OSError where
        there is no space or the disk fails: nothing that was saved before has changed then.
        """
        path = self._new_path(moment.step)
        # The folder gets its name when all lies in it, and the manifest is the last to.
        parts = path.with_name(f".{path.name}.part")
        written: list[Path] = []
        try:
            self._check_space(moment)
            replays = {name: self.segments.write(name, replay, written) for name, replay in moment.replays.items()}
            files = self._write(parts, moment)
            manifest: Manifest = {
                "version": 3,
                "step": moment.step,
                "stage": moment.stage,
                "attempt": self._attempt,
                "why": list(dict.fromkeys(whys)),
                "leaving": leaving,
                "time": time.time(),
                "cpu": dict(moment.cpu),
                "versions": versions(),
                "files": files,
                "replays": replays,
                "scratch": self.segments.scratch,
            }
            write_manifest(parts, manifest)
            parts.rename(path)
            sync(self._folder)
        except BaseException:
            for half in (parts, path):
                discard(half)
            for file in written:
                file.unlink(missing_ok=True)
            raise
        self.segments.keep(moment.replays, replays)
        self._manifests[path] = manifest
        with contextlib.suppress(OSError):  # what cannot be tidied up now is at the next save
            for why in KEPT_FEW:
                self._thin_out(why)
            self.segments.drop(self._manifests)
        return {"step": moment.step, "time": manifest["time"], "name": path.name}

    def _new_path(self, step: int) -> Path:
        """A name that is free: a step may be saved again when more has happened at it."""
        name = f"{step:010d}-{self._attempt}"
        taken = sum(path.name.startswith(name) for path in self._manifests)
        while (path := self._folder / (name + (f".{taken}" if taken else ""))).exists():
            taken += 1
        return path

    def _write(self, parts: Path, moment: Moment) -> dict[str, Any]:
        discard(parts)
        make_private_folder(parts, share=self._share)
        for name, network in moment.networks.items():
            weights = {key: value.detach().cpu() for key, value in network.state_dict().items()}
            save_tensors(weights, parts / f"{name}.safetensors")
        save_state(moment.state, parts / "state")
        (parts / "recipe.yaml").write_text(dump_resolved(self._recipe))
        return {file.name: seal(file) for file in sorted(parts.iterdir())}

    def _check_space(self, moment: Moment) -> None:
        """OSError where a checkpoint might not fit: better none than half of one."""
        weights = 4 * sum(4 * part.numel() for network in moment.networks.values() for part in network.parameters())
        frames = self.segments.new_bytes(moment.replays)
        needed = SPARE + weights + (0 if self.segments.scratch else frames)
        short = bool(moment.replays) and self.segments.free() < SPARE + frames
        if short or shutil.disk_usage(self._folder).free < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _thin_out(self, why: str) -> None:
        """Drop the reason that has become old; a checkpoint without a reason goes."""
        holders = [path for path, manifest in self._manifests.items() if why in manifest["why"]]
        kept = self._recipe.checkpoint.keep if why == "periodic" else 1
        for path in holders[: max(len(holders) - kept, 0)]:
            manifest = self._manifests[path]
            if left := [other for other in manifest["why"] if other != why]:
                thinned = {**manifest, "why": left}
                write_manifest(path, thinned)
                self._manifests[path] = thinned
                continue
            # Its name goes first, so that nobody takes what is left of it for a checkpoint.
            gone = path.rename(path.with_name(f".{path.name}.gone"))
            del self._manifests[path]
            discard(gone)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write what the other files of a checkpoint are, whole or not at all."""
    data = json.dumps(manifest).encode()
    if len(data) > LARGEST_MANIFEST:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))  # nobody would read it
    write_whole(folder / "manifest.json", data, sync=True)
    sync(folder)


def sync(folder: Path) -> None:
    """Have the disk hold the names in it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.fsync(descriptor)
    os.close(descriptor)


def discard(path: Path) -> None:
    """Remove a folder, or whatever is in its place, as far as the disk lets us."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()  # what removes folders would open a pipe, and wait
