"""A run folder made fit for an engine to write into."""

import os
import stat

from acceltui.runs.files import creation_mask, make_private_folder
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import RunError


def keep_to(folder: RunFolder) -> None:
    """See to it that what is written stays in the folder, and is for those alone who may look into it.

    RunError where something else is in the place of what is written.
    """
    full = (folder.checkpoints, folder.replay, folder.tensorboard)
    inside = [part for parent in full if parent.is_dir() for part in parent.iterdir()]
    for part in (folder.metrics, folder.events, folder.log, folder.commands, folder.acks, *full, *inside):
        if part.is_symlink():
            raise RunError(f"{part} is a link, and an engine writes through none: put in its place what it leads to.")
    for file in (folder.metrics, folder.events):
        if file.exists() and not file.is_file():
            raise RunError(f"{file} is not a regular file: move it away.")
    os.umask(creation_mask(folder.path))


def clear_up(folder: RunFolder) -> None:
    """Make the folders that are gone, and remove the temporary files that an engine was killed over."""
    for path in (folder.commands, folder.acks):
        if not path.is_dir():
            make_private_folder(path, share=bool(folder.path.stat().st_mode & stat.S_IRGRP))
    for left in (
        *folder.path.glob(".status.json.*"),
        *folder.acks.glob(".*"),
        *folder.checkpoints.glob("*/.manifest.json.*"),
    ):
        left.unlink(missing_ok=True)
