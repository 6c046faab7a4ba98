"""The checkpoints that a run folder holds, found by whoever asks; what is in them is the engine's affair."""

import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acceltui.runs.files import read_regular
from acceltui.runs.folder import RunFolder

Manifest = dict[str, Any]
LARGEST_MANIFEST = 1 << 22
VERSION = 2


@dataclass(frozen=True)
class Found:
    """A checkpoint whose manifest can be read."""

    path: Path
    manifest: Manifest

    @property
    def step(self) -> int:
        """Training steps taken then."""
        return int(self.manifest["step"])

    def damage(self) -> str:
        """What is wrong with its files, in a clause; empty if nothing is. All of them are read."""
        folder = segments_folder(self.path.parent)
        files = [(self.path / name, sealed) for name, sealed in self.manifest["files"].items()]
        files += [(folder / part["file"], part) for parts in self.manifest["replays"].values() for part in parts]
        for file, sealed in files:
            try:
                if file.is_symlink() or file.stat().st_size != sealed["bytes"]:
                    return f"{file.name} has another size than was written"
                with file.open("rb") as opened:
                    if hashlib.file_digest(opened, "sha256").hexdigest() != sealed["sha256"]:
                        return f"{file.name} is damaged"
            except OSError as error:
                return f"{file.name} cannot be read: {error.strerror}"
        return ""


def segments_folder(checkpoints: Path) -> Path:
    """Where the replays' frames lie."""
    return checkpoints.parent / "replay"


def find_checkpoints(folder: RunFolder) -> list[Found]:
    """All whose manifest can be read, in the order they were saved."""
    found = []
    for path in folder.checkpoints.iterdir() if folder.checkpoints.is_dir() else ():
        with contextlib.suppress(OSError, ValueError):
            manifest = json.loads(read_regular(path / "manifest.json", LARGEST_MANIFEST)[0])
            if well_formed(path, manifest):
                found.append(Found(path, manifest))
    return sorted(found, key=lambda one: (one.manifest["attempt"], one.step, one.manifest["time"]))


def well_formed(path: Path, manifest: Any) -> bool:
    """Whether a manifest is one of ours, and names files in its own folders alone."""
    if path.name.startswith(".") or not isinstance(manifest, dict) or manifest.get("version") != VERSION:
        return False
    types = {"step": int, "attempt": int, "time": float, "why": list, "files": dict, "replays": dict, "stage": str}
    if any(not isinstance(manifest.get(key), kind) for key, kind in types.items()):
        return False
    try:
        parts = [part for segments in manifest["replays"].values() for part in segments]
        names = [*manifest["files"], *(part["file"] for part in parts)]
        sealed = all({"bytes", "sha256"} <= set(entry) for entry in (*manifest["files"].values(), *parts))
    except (TypeError, KeyError, AttributeError):
        return False
    return sealed and all(
        isinstance(name, str) and name not in ("", "..") and Path(name).name == name for name in names
    )


def newest_whole(folder: RunFolder) -> tuple[Found | None, list[str]]:
    """The newest checkpoint that nothing is wrong with, and a sentence for each newer one that is damaged."""
    skipped: list[str] = []
    for found in reversed(find_checkpoints(folder)):
        wrong = found.damage()
        if not wrong:
            return found, skipped
        skipped.append(f"checkpoint {found.path.name} is skipped: {wrong}")
    return None, skipped
