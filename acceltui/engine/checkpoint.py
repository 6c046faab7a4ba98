"""Checkpoints of the weights: safetensors and JSON, published whole or not at all."""

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from acceltui.runs.files import make_private_folder, write_whole
from acceltui.runs.folder import RunFolder


class Checkpoints:
    """The checkpoints of one attempt: the last `keep` periodic ones, the best, and every other kind."""

    def __init__(self, folder: RunFolder, attempt: int, keep: int) -> None:
        self._folder, self._attempt, self._keep = folder.checkpoints, attempt, keep
        self._manifests: dict[Path, dict[str, Any]] = {}

    def save(self, step: int, stage: str, why: str, networks: dict[str, nn.Module]) -> dict[str, Any]:
        """Save weights; gives {"step", "time", "name"} of the checkpoint.

        `why` is periodic, switch, best, command or end. One step has one checkpoint: a second reason is added to it.
        """
        path = self._folder / f"{step:010d}-{self._attempt}"
        if path not in self._manifests:
            self._write(path, networks)
            files = {
                file.name: {"bytes": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
                for file in sorted(path.glob("*.safetensors"))
            }
            manifest = {"version": 1, "step": step, "stage": stage, "attempt": self._attempt, "why": []}
            self._manifests[path] = manifest | {"time": time.time(), "files": files}
        self._manifests[path]["why"].append(why)
        self._publish(path)
        self._thin_out(why)
        return {"step": step, "time": self._manifests[path]["time"], "name": path.name}

    def _write(self, path: Path, networks: dict[str, nn.Module]) -> None:
        # A reader looks for the manifest, which comes last; the folder gets its name when its weights lie in it.
        parts = path.with_name(f".{path.name}.part")
        shutil.rmtree(parts, ignore_errors=True)
        make_private_folder(parts, share=bool(self._folder.stat().st_mode & 0o040))
        for name, network in networks.items():
            save_file(
                {key: value.detach().cpu() for key, value in network.state_dict().items()},
                parts / f"{name}.safetensors",
            )
        parts.rename(path)

    def _publish(self, path: Path) -> None:
        write_whole(path / "manifest.json", json.dumps(self._manifests[path], indent=1).encode())

    def _thin_out(self, why: str) -> None:
        """Drop the reason that has become old; a checkpoint without a reason goes."""
        holders = [path for path, manifest in self._manifests.items() if why in manifest["why"]]
        kept = {"periodic": self._keep, "best": 1}.get(why, len(holders))
        for path in holders[: max(len(holders) - kept, 0)]:
            self._manifests[path]["why"].remove(why)
            if self._manifests[path]["why"]:
                self._publish(path)
                continue
            # Its name goes first, so that nobody takes what is left of it for a checkpoint.
            gone = path.rename(path.with_name(f".{path.name}.gone"))
            shutil.rmtree(gone)
            del self._manifests[path]
