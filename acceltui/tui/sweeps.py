"""The sweeps of a runs folder that are not over, by their manifests and the runs that were looked at anyway."""

import contextlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from acceltui.runs.paths import RunError
from acceltui.runs.sweep_progress import job_state, sweep_state
from acceltui.runs.sweeps import Coordination, Manifest, SweepFolder, list_sweeps, read_coordination, read_manifest
from acceltui.tui.catalog import RunLine, stamp


@dataclass(frozen=True)
class SweepLine:
    """One sweep; its name is safe to show."""

    name: str
    state: str
    """running, stopping; `gone` where its coordinator was killed."""
    counts: Counter[str]
    """Of jobs by their state."""


@dataclass(frozen=True)
class Known:
    """A sweep as its files told, and when those were written: while they stand, they are not read again."""

    folder: SweepFolder
    written: tuple[float, float]
    manifest: Manifest
    coordination: Coordination | None


class SweepCatalog:
    """Reads the sweeps below `root` again and again; only files that were written since are read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, Known] = {}

    def look(self, runs: Iterable[RunLine]) -> list[SweepLine]:
        """Those that somebody is at, or should be; `runs` are all there are. RunError where they cannot be listed."""
        read = {folder.name: self._read(folder) for folder in list_sweeps(self.root)}
        self._known = {name: known for name, known in read.items() if known is not None}
        states = {run.folder.name: run.state for run in runs} if self._known else {}
        return [line for name, known in self._known.items() if (line := line_of(name, known, states))]

    def _read(self, folder: SweepFolder) -> Known | None:
        known, written = self._known.get(folder.name), (stamp(folder.manifest), stamp(folder.coordinator))
        if known is not None and known.written == written:
            return known
        with contextlib.suppress(RunError):
            return Known(folder, written, read_manifest(folder), read_coordination(folder))
        return None


def line_of(name: str, known: Known, states: dict[str, str]) -> SweepLine | None:
    """A sweep's line by the states of the runs; None where it has ended."""
    coordination = known.coordination
    state = sweep_state(known.folder, coordination)
    if state in ("stopped", "over"):
        return None
    jobs = known.manifest.jobs
    counts: Counter[str] = Counter(job_state(job, states.get(job.run, ""), coordination) for job in jobs)
    return SweepLine(name, state, counts)
