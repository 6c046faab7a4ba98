"""The process that works through a sweep: `python -m acceltui.launch.coordinator FOLDER`.

It starts engines as the pool has room, goes on with runs that ended early, and writes down what became of each. Engines
outlive it: another coordinator takes over those that it finds.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from acceltui.launch.call import LaunchError
from acceltui.launch.foreground import ASKED
from acceltui.launch.fork import choose, make_fork, possible_changes
from acceltui.launch.pool import LocalPool, Pool, Verb
from acceltui.launch.record import record_run
from acceltui.launch.resume import has_begun, is_finished
from acceltui.recipe.errors import RecipeError
from acceltui.recipe.load import load_recipe
from acceltui.runs.checkpoints import find_checkpoints
from acceltui.runs.files import write_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.liveness import own_start
from acceltui.runs.notes import read_notes, write_notes
from acceltui.runs.outcome import write_result
from acceltui.runs.paths import RunError, create_run_folder
from acceltui.runs.status import read_status, this_host
from acceltui.runs.sweeps import (
    Coordination,
    Job,
    Manifest,
    Settled,
    SettledState,
    SweepFolder,
    read_manifest,
    sweep_lock,
)
from acceltui.runs.text import clean

LOOK_EVERY = 0.5
MOST_TRIES = 3
"""Times that an engine may end early without having come further, before its job has failed."""
RETRY_AFTER = 60.0
"""Seconds in which nothing is begun after a disk has refused something: it may be full for a while."""
PATIENCE = 5.0
"""Seconds that a coordinator before this one may take to be gone."""


@dataclass
class Tries:
    """How often a run was begun or gone on with from the same place: the step of its newest checkpoint, if any."""

    step: int | None
    count: int = 0


class Coordinator:
    """Works through one sweep."""

    def __init__(self, folder: SweepFolder, manifest: Manifest, pool: Pool, allow_import: Sequence[str] = ()) -> None:
        self.folder, self.manifest, self.pool, self.allow_import = folder, manifest, pool, allow_import
        self.results = Path(manifest.results)
        self.open = {job.id: job for job in manifest.jobs}
        """Jobs of which nobody knows yet what becomes of them, in order."""
        self.with_engine: set[str] = set()
        self.settled: dict[str, Settled] = {}
        self.asked_to_stop = False
        self._tries: dict[str, Tries] = {}
        self._refused: Counter[str] = Counter()
        """How often a disk has refused what a job needs, by job."""
        self._begins_from = 0.0
        """Nothing is begun before, by the monotonic clock."""
        self._told: Coordination | None = None

    def work(self) -> None:
        """Until all jobs are settled, or it is asked to stop."""
        self._tell("running")
        for job in list(self.open.values()):
            self._take_stock(job)
        while self.open and not (self.asked_to_stop or self.folder.stop.exists()):
            self._fill()
            self._tell("running")
            time.sleep(LOOK_EVERY)
            self._look()
        if self.open:
            self._stop()
        ended: Literal["stopped", "over"] = "stopped" if self.open else "over"
        say(ended)
        self._tell(ended)
        self.folder.stop.unlink(missing_ok=True)

    def _fill(self) -> None:
        """Begin jobs, in order, as there is room."""
        for job in [job for job in self.open.values() if job.id not in self.with_engine]:
            if self.pool.room > 0 and time.monotonic() >= self._begins_from:
                self._begin(job)

    def _stop(self) -> None:
        """Have all engines save and leave; what is not done waits to be gone on with."""
        self.asked_to_stop = True
        say("stopping")
        for id in self.with_engine:
            with contextlib.suppress(OSError):
                self.pool.cancel(self.folder.run(self.open[id]))
        while self.with_engine:
            self._tell("stopping")
            time.sleep(LOOK_EVERY)
            self._look()

    def _take_stock(self, job: Job) -> None:
        """What a job has come to before this coordinator."""
        run = self.folder.run(job)
        if self.pool.poll(run):
            self.with_engine.add(job.id)
            self._tag(run)
            say(f"{job.run} has an engine already: it is taken over")
        else:
            self._conclude(job)

    def _look(self) -> None:
        """See which engines have ended."""
        for id in sorted(self.with_engine):
            job = self.open[id]
            if not self.pool.poll(self.folder.run(job)):
                self.with_engine.discard(id)
                self._conclude(job, by_an_engine_of_ours=True)

    def _conclude(self, job: Job, by_an_engine_of_ours: bool = False) -> None:
        """Settle a job whose run has come to its end; another one waits to be begun or gone on with."""
        run = self.folder.run(job)
        status = read_status(run)
        state = status.state if status else ""
        if state == "FINISHED":
            self._write_result(job)
            self._settle(job, "finished")
        elif self._result(job).exists():
            self._settle(job, "finished", "its result was there")
        elif state == "FAILED" and status is not None:
            self._settle(job, "failed", (status.error or {}).get("message", "") or "it does not say why")
        elif state == "STOPPED" and by_an_engine_of_ours and not self.asked_to_stop:
            self._settle(job, "stopped", "somebody stopped it")
        elif by_an_engine_of_ours:
            say(f"{job.run} ended early ({clean(state) or 'its folder is gone'})")

    def _begin(self, job: Job) -> None:
        """Begin a job, or go on with it where it stood."""
        run = self.folder.run(job)
        if self.pool.poll(run):  # somebody has gone on with it
            self.with_engine.add(job.id)
            return
        if self._result(job).exists():  # another sweep was quicker
            self._conclude(job)
            return
        try:
            tries = self._count_try(job)
            if tries.count > MOST_TRIES:
                last = self.pool.logs(run)[-1:]
                reason = f"its engine ended {MOST_TRIES} times without coming further"
                self._settle(job, "failed", ": ".join([reason, *map(clean, last)]))
                return
            if has_begun(run):
                if is_finished(run):
                    self._conclude(job)
                    return
                self._tag(run)
                self.pool.submit(run, "resume")
                say(f"{job.run} goes on" + ("" if tries.step is None else f" from step {tries.step:,}"))
            else:
                self.pool.submit(run, self._make_run(job))
                say(f"{job.run} begins")
        except (RunError, RecipeError, LaunchError) as error:
            self._settle(job, "failed", str(error))
        except OSError as error:
            self._tries.pop(job.id, None)
            self._refused[job.id] += 1
            reason = f"{error.filename or 'a file'} cannot be used: {error.strerror}"
            if self._refused[job.id] == MOST_TRIES:
                self._settle(job, "failed", reason)
            else:
                self._begins_from = time.monotonic() + RETRY_AFTER
                say(f"{job.run} waits {RETRY_AFTER:g} s: {clean(reason)}")
        else:
            self.with_engine.add(job.id)

    def _count_try(self, job: Job) -> Tries:
        """One more try of a job, from where it stands."""
        found = find_checkpoints(self.folder.run(job))
        step = found[-1].step if found else None
        tries = self._tries.get(job.id)
        if tries is None or tries.step != step:
            tries = self._tries[job.id] = Tries(step)
        tries.count += 1
        return tries

    def _make_run(self, job: Job) -> Verb:
        """The run folder of a job, by its frozen recipe; gives what its engine is to do."""
        loaded = load_recipe(self.folder.recipe(job), (), self.allow_import)
        imports = [word for module in self.allow_import for word in ("--allow-import", module)]
        verb: Verb = "resume" if self.manifest.fork else "run"
        if self.manifest.fork:
            origin = RunFolder(Path(self.manifest.fork.run))
            checkpoint = choose(origin, self.manifest.fork.checkpoint)
            changed = possible_changes(checkpoint, loaded.recipe)
            words = ["fork", origin.name, *job.cell, "--at", str(checkpoint.step), *imports]
            run = make_fork(self.folder.root, origin, checkpoint, loaded, changed, words, job.run)
        else:
            run = create_run_folder(self.folder.root, loaded.recipe.name, job.seed, name=job.run)
            threads = f"engine.threads={loaded.recipe.engine.threads}"
            given = any(word.startswith("engine.threads=") for word in job.cell)
            words = [*job.cell, *([] if given else [threads])]
            record_run(run, loaded, ["run", self.manifest.recipe, *words, *imports])
        self._tag(run)
        return verb

    def _tag(self, run: RunFolder) -> None:
        """Name the sweep among the run's tags, so that the list of runs finds it."""
        notes = read_notes(run)
        try:
            if self.manifest.name not in notes.tags:
                write_notes(run, notes.tagged([self.manifest.name]))
        except (RunError, OSError) as error:
            say(f"warning: {run.name} is not tagged: {error}")

    def _result(self, job: Job) -> Path:
        return self.results / f"{job.id}.json"

    def _write_result(self, job: Job) -> None:
        """Write what a finished run came to, unless that is there. Whatever goes wrong is no reason to end the rest."""
        if self._result(job).exists():
            return
        try:
            write_result(self.folder.run(job), self.results)
        except Exception as error:
            say(f"warning: the result of {job.run} cannot be written: {error}")

    def _settle(self, job: Job, state: SettledState, reason: str = "") -> None:
        """Write down what became of a job."""
        del self.open[job.id]
        self.settled[job.id] = Settled(state=state, reason=clean(reason))
        say(f"{job.run} {state}" + (f": {clean(reason)}" if reason else ""))

    def _tell(self, state: Literal["running", "stopping", "stopped", "over"]) -> None:
        """Write coordinator.json where there is something new; what the disk does not take, it gets the next time."""
        document = Coordination(
            state=state, pid=os.getpid(), pid_started=own_start(), host=this_host(), settled=self.settled
        )
        if document != self._told:
            try:
                write_whole(self.folder.coordinator, document.model_dump_json(indent=1).encode() + b"\n")
                self._told = document
            except OSError as error:
                say(f"warning: {error}")


def say(line: str) -> None:
    """A line of sweep.log, if the disk takes it."""
    with contextlib.suppress(OSError):
        print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}", flush=True)


def main() -> int:
    """Work through the sweep that the command line names; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m acceltui.launch.coordinator", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--allow-import", action="append", default=[], metavar="MODULE")
    options = parser.parse_args()
    folder = SweepFolder(options.folder.absolute())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with sweep_lock(folder, PATIENCE):
            manifest = read_manifest(folder)
            pool = LocalPool(manifest.workers, options.allow_import)
            coordinator = Coordinator(folder, manifest, pool, options.allow_import)
            for number in ASKED:
                signal.signal(number, lambda *_: setattr(coordinator, "asked_to_stop", True))
            coordinator.work()
    except RunError as error:
        print(error, flush=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
