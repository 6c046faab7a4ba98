"""How far a sweep is: by what its coordinator has settled, and by the runs themselves, whoever went on with them."""

from collections import Counter
from dataclasses import dataclass

from acceltui.runs.liveness import observed_state
from acceltui.runs.status import LIVING, Status, read_status
from acceltui.runs.sweeps import (
    Coordination,
    Job,
    JobState,
    Manifest,
    SweepFolder,
    is_coordinated,
    read_coordination,
    read_manifest,
)
from acceltui.runs.text import clean

WITH_ENGINE = LIVING | {"STALLED"}
COUNTED: tuple[JobState, ...] = ("finished", "running", "waiting", "failed")


@dataclass(frozen=True)
class JobLine:
    """One job as it is now; its reason is safe to show."""

    job: Job
    state: JobState
    status: Status | None
    """Of its run; None where there is none."""
    observed: str
    """State of its run; empty where there is none, or it has finished."""
    reason: str = ""


@dataclass(frozen=True)
class Progress:
    """All jobs of a sweep, and whether anybody is at it."""

    state: str
    """running, stopping, stopped, over; `gone` where its coordinator was killed, or never came."""
    jobs: list[JobLine]

    @property
    def counts(self) -> Counter[str]:
        """How many jobs are in each state."""
        return Counter(line.state for line in self.jobs)


class SweepReader:
    """Looks at a sweep again and again."""

    def __init__(self, folder: SweepFolder, manifest: Manifest | None = None) -> None:
        """RunError where it has no manifest that can be read."""
        self.folder = folder
        self.manifest = manifest or read_manifest(folder)
        self._finished: dict[str, Status | None] = {}
        """Statuses of runs that have finished, by job; read once."""

    def look(self) -> Progress:
        """The sweep as it is now."""
        coordination = read_coordination(self.folder)
        state = sweep_state(self.folder, coordination)
        if state == "gone":  # it may have said its last word and ended after that was read
            coordination = read_coordination(self.folder)
            state = sweep_state(self.folder, coordination)
        return Progress(state, [self._look_at(job, coordination) for job in self.manifest.jobs])

    def _look_at(self, job: Job, coordination: Coordination | None) -> JobLine:
        settled = coordination.settled.get(job.id) if coordination else None
        if settled and settled.state == "finished":
            if job.id not in self._finished:
                self._finished[job.id] = read_status(self.folder.run(job))
            return JobLine(job, "finished", self._finished[job.id], "")
        run = self.folder.run(job)
        status = read_status(run)
        observed = observed_state(run, status) if status else ""
        state = job_state(job, observed, coordination)
        reason = (settled.reason if settled else "") or ((status.error or {}).get("message", "") if status else "")
        return JobLine(job, state, status, clean(observed), clean(reason) if state in ("failed", "stopped") else "")


def sweep_state(folder: SweepFolder, coordination: Coordination | None) -> str:
    """The state of a sweep as a whole."""
    if coordination is None:
        return "gone"
    ended = coordination.state in ("stopped", "over")
    return coordination.state if ended or is_coordinated(folder, coordination) else "gone"


def job_state(job: Job, observed: str, coordination: Coordination | None) -> JobState:
    """The state of a job by the observed state of its run (empty where there is none)."""
    if observed in WITH_ENGINE:
        return "running"
    if observed == "FINISHED":
        return "finished"
    settled = coordination.settled.get(job.id) if coordination else None
    if settled is not None:
        return settled.state
    return "failed" if observed == "FAILED" else "waiting"


def counted(counts: Counter[str]) -> str:
    """3 of 12 finished, 2 running, 7 waiting, 0 failed"""
    rest = [f"{counts[state]} {state}" for state in (*COUNTED[1:], *(["stopped"] if counts["stopped"] else []))]
    return ", ".join([f"{counts['finished']} of {counts.total()} finished", *rest])
