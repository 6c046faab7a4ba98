"""A sweep: a folder beside the runs that says which of them there are to be, with the frozen recipe of each.

`<name>.sweep/`: manifest.json, recipes/<id>.yaml, coordinator.json (what its coordinator, a process in the background,
has come to), sweep.log (what that prints), stop (a file that asks it to end), lock.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acceltui.runs.files import read_regular, write_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import process_lives
from acceltui.runs.lock import hold, is_held
from acceltui.runs.paths import NAME, RunError, by_name
from acceltui.runs.status import this_host

ENDING = ".sweep"
SWEEP = re.compile(r"[a-z0-9][a-z0-9_.-]{0,23}")
"""What can name a sweep: it is a tag of its runs, and the beginning of their names."""
LARGEST_FILE = 1 << 24

Count = Annotated[int, Field(ge=1, le=1 << 20)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
RunName = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
"""Of a file or a folder: it leads nowhere else."""
SettledState = Literal["finished", "failed", "stopped"]
JobState = Literal["running", "waiting"] | SettledState


class Strict(BaseModel):
    """A sweep's files may have been written by anyone: types are not guessed."""

    model_config = ConfigDict(strict=True, frozen=True)


class Job(Strict):
    """One run that is to be."""

    id: RunName
    """Of its result, and of its recipe."""
    cell: list[str]
    """The overrides that make it."""
    seed: Seed
    run: RunName
    """Name of its run folder."""


class ForkPoint(Strict):
    """What all jobs of a sweep are forks of."""

    run: str
    """Path of its folder."""
    checkpoint: RunName
    """Name of the folder."""


class Manifest(Strict):
    """manifest.json"""

    version: Literal[1]
    name: Annotated[str, Field(pattern=f"^{SWEEP.pattern}$")]
    command: str
    created: Annotated[float, Field(allow_inf_nan=False)]
    recipe: str
    """As the call named it."""
    recipe_file: str
    axes: list[list[str]]
    seeds: list[Seed]
    workers: Count
    """Engines at once."""
    threads: Count
    """Of each engine, where its recipe does not say."""
    results: str
    """Folder."""
    jobs: list[Job]
    fork: ForkPoint | None = None
    """None where jobs begin with nothing."""


class Settled(Strict):
    """What became of a job, as far as its coordinator is concerned."""

    state: SettledState
    reason: str = ""


class Coordination(Strict):
    """coordinator.json: what the newest coordinator has come to."""

    state: Literal["running", "stopping", "stopped", "over"]
    pid: int
    pid_started: float
    host: str
    settled: dict[RunName, Settled]
    """By the id of the job."""


@dataclass(frozen=True)
class SweepFolder:
    """The files of one sweep. `path` is absolute."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(ENDING)

    @property
    def root(self) -> Path:
        """Where its runs lie."""
        return self.path.parent

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    @property
    def recipes(self) -> Path:
        return self.path / "recipes"

    @property
    def coordinator(self) -> Path:
        return self.path / "coordinator.json"

    @property
    def log(self) -> Path:
        return self.path / "sweep.log"

    @property
    def stop(self) -> Path:
        return self.path / "stop"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    def recipe(self, job: Job) -> Path:
        """The frozen recipe of a job."""
        return self.recipes / f"{job.id}.yaml"

    def run(self, job: Job) -> RunFolder:
        """Where a job's run lies, or will."""
        return RunFolder(self.root / job.run)


def sweep_folder(root: Path, name: str) -> SweepFolder:
    """Where a sweep of that name lies, if there is one; RunError for what cannot name one."""
    if not SWEEP.fullmatch(name):
        raise RunError(f"{name!a} cannot name a sweep: use a-z, 0-9, '_', '.' and '-', at most 24 of them.")
    return SweepFolder(root / f"{name}{ENDING}")


def is_sweep(folder: SweepFolder) -> bool:
    """Whether a sweep lies there itself, not where a link leads."""
    try:
        return not folder.path.is_symlink() and folder.manifest.is_file()
    except OSError:  # another user's private folder
        return False


def list_sweeps(root: Path) -> list[SweepFolder]:
    """All sweeps below `root`, newest first; what is none is skipped."""
    try:
        paths = [path for path in root.iterdir() if path.name.endswith(ENDING)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise RunError(f"The sweeps in {root} cannot be listed: {error.strerror}.") from None
    found = [SweepFolder(path) for path in paths if SWEEP.fullmatch(path.name.removesuffix(ENDING))]
    return sorted(filter(is_sweep, found), key=made_at, reverse=True)


def made_at(folder: SweepFolder) -> tuple[float, str]:
    """When a sweep was made, as an order: no recipe is ever added to it."""
    try:
        return folder.recipes.lstat().st_mtime, folder.name
    except OSError:
        return 0.0, folder.name


def find_sweep(root: Path, text: str) -> SweepFolder:
    """The sweep that `text` means: a name, or a unique prefix of one."""
    return by_name(text, {folder.name: folder for folder in list_sweeps(root)}, "sweep", root)


def read_manifest(folder: SweepFolder) -> Manifest:
    """What a sweep is to do; RunError where that cannot be read."""
    try:
        return Manifest.model_validate_json(read_regular(folder.manifest, LARGEST_FILE)[0])
    except OSError as error:
        why = error.strerror or str(error)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        why = ": ".join([".".join(map(str, first["loc"])), first["msg"].lower()]).removeprefix(": ")
    except ValueError as error:
        why = str(error)
    raise RunError(f"{folder.manifest} cannot be read: {why}.")


def write_manifest(folder: SweepFolder, manifest: Manifest) -> None:
    """Put a manifest in place of the one before."""
    write_whole(folder.manifest, manifest.model_dump_json(indent=1).encode() + b"\n")


def read_coordination(folder: SweepFolder) -> Coordination | None:
    """What the newest coordinator has come to; None before the first has said anything that can be read."""
    try:
        return Coordination.model_validate_json(read_regular(folder.coordinator, LARGEST_FILE)[0])
    except (OSError, ValueError):
        return None


def is_coordinated(folder: SweepFolder, coordination: Coordination | None) -> bool:
    """Whether the newest coordinator is there; one of another host, that may be gone for good, by the sweep's lock."""
    if coordination is None or coordination.state in ("stopped", "over"):
        return False
    if coordination.host == this_host():
        return process_lives(coordination.pid, coordination.pid_started)
    return is_held(folder.lock)


@contextmanager
def sweep_lock(folder: SweepFolder, patience: float) -> Iterator[None]:
    """One coordinator a sweep; RunError when another still has it after `patience` seconds."""
    with hold(folder.lock, patience, f"Another coordinator has the sweep {folder.name}."):
        yield
