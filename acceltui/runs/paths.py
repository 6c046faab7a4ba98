"""A run is a folder: where its parts lie, how it is made, how it is found again."""

import difflib
import os
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from acceltui.runs.files import make_private_folder
from acceltui.runs.folder import RunFolder
from acceltui.runs.status import Status, this_host, write_status
from acceltui.runs.text import clean

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")

Found = TypeVar("Found")


class RunError(Exception):
    """A run that cannot be made, found or used; the text is a sentence for the user."""


def runs_root(option: Path | None) -> Path:
    """Where runs live: the call's option, else $ACCEL_RUNS, else ./runs."""
    return (option or Path(os.environ.get("ACCEL_RUNS") or "runs")).absolute()


def run_folder(root: Path, name: str) -> RunFolder:
    """Where a run of that name lies, if there is one; RunError for what cannot name one."""
    if not NAME.fullmatch(name):
        raise RunError(f"{name!r} cannot name a run: use letters, digits, '_', '.' and '-', at most 128 of them.")
    return RunFolder(root / name)


def create_run_folder(
    root: Path, recipe_name: str, seed: int, *, name: str | None = None, share: bool = False
) -> RunFolder:
    """Make a new run in state STARTING, `root` too where needed; with `share` its group may read it."""
    name = name or f"{recipe_name}-s{seed}-{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}"
    folder = run_folder(root, name)
    try:
        root.mkdir(parents=True, exist_ok=True)
        make_private_folder(folder.path, share=share)
        furnish(folder, share)
    except OSError as error:
        if isinstance(error, FileExistsError) and folder.path.exists():
            raise RunError(f"{folder.path} exists already: choose another --name.") from None
        raise RunError(f"The run folder {folder.path} cannot be made: {error.strerror}.") from None
    return folder


def furnish(folder: RunFolder, share: bool) -> None:
    """Make what every run has; where the disk does not take it, the folder goes again."""
    try:
        for part in (folder.commands, folder.acks, folder.checkpoints):
            make_private_folder(part, share=share)
        folder.lock.touch(mode=0o600)
        write_status(folder, Status(state="STARTING", host=this_host(), run=folder.name))
    except OSError:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


def run_title(name: str) -> str:
    """`recipe s1` for a folder that bears its recipe's name and seed, else the folder's name."""
    match = re.fullmatch(r"(.+)-s(\d+)-\d{8}-\d{6}-[0-9a-f]{4}", name)
    return f"{match[1]} s{match[2]}" if match else name


def is_run(path: Path) -> bool:
    """Whether `path` is a run: a folder that has a status."""
    try:
        return RunFolder(path).status.is_file()
    except (OSError, ValueError):
        # Another user's private folder, or text that is no path at all.
        return False


def is_own_run(path: Path) -> bool:
    """Whether a run lies at `path` itself, not where a link leads."""
    return not path.is_symlink() and is_run(path)


def made_at(folder: RunFolder) -> tuple[float, str]:
    """When a run was made, as an order: its lock is never written again."""
    try:
        return folder.lock.lstat().st_mtime, folder.name
    except OSError:
        return 0.0, folder.name


def list_runs(root: Path) -> list[RunFolder]:
    """All runs below `root`, newest first; what is no run, or could not have been named so here, is skipped.

    So are links: what is done to a run by its name stays below `root`.
    """
    try:
        runs = [RunFolder(path) for path in root.iterdir() if NAME.fullmatch(path.name) and is_own_run(path)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise RunError(f"The runs in {root} cannot be listed: {error.strerror}.") from None
    return sorted(runs, key=made_at, reverse=True)


def find_run(text: str | None, root: Path) -> RunFolder:
    """The run that `text` means: a name, a unique prefix of one, a path, or None for the newest."""
    runs = list_runs(root)
    if text is None:
        if not runs:
            raise RunError(f"There is no run in {root}: start one with `accel run RECIPE`, or give --runs-dir.")
        return runs[0]
    names = {run.name: run for run in runs}
    if text in names:
        return names[text]
    if text and is_run(Path(text)):
        folder = RunFolder(Path(text).resolve())
        if clean(folder.path) != str(folder.path):
            raise RunError(f"{str(folder.path)!a} has characters that cannot be shown: rename the folder.")
        return folder
    return by_name(text, names, "run", root, ", and it is no path of one")


def by_name(text: str, names: Mapping[str, Found], kind: str, root: Path, neither: str = "") -> Found:
    """What of `names` has that name, or alone begins so; RunError for none or many. `neither`: what else it is not."""
    matches = [name for name in names if name == text] or [name for name in names if text and name.startswith(text)]
    if len(matches) == 1:
        return names[matches[0]]
    if matches:
        some = ", ".join(matches[:5]) + (", ..." if len(matches) > 5 else "")
        raise RunError(f"{text!a} begins the names of {len(matches)} {kind}s in {root}: {some}.")
    nearest = difflib.get_close_matches(text, names, n=3, cutoff=0.4)
    hint = f" Nearest: {', '.join(nearest)}." if nearest else ""
    raise RunError(f"No {kind} in {root} is called {text!a}{neither}.{hint}")
