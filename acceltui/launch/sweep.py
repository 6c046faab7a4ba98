"""Making a sweep, and starting the process that works through it."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from acceltui.launch.ask import ask_engine
from acceltui.launch.call import LaunchError, engine_environment, tail
from acceltui.launch.fork import possible_changes
from acceltui.recipe.errors import Problem, RecipeError
from acceltui.recipe.grid import Cell, Grid, load_grid
from acceltui.recipe.load import LoadedRecipe
from acceltui.recipe.resolved import dump_resolved
from acceltui.recipe.schema import Recipe
from acceltui.runs.checkpoints import Found
from acceltui.runs.files import make_private_folder, open_to_append, write_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.outcome import origin_of, recipe_of
from acceltui.runs.paths import RunError
from acceltui.runs.results import Origin, result_id
from acceltui.runs.sweeps import (
    ForkPoint,
    Job,
    Manifest,
    SweepFolder,
    is_coordinated,
    list_sweeps,
    read_coordination,
    read_manifest,
    sweep_folder,
    write_manifest,
)
from acceltui.runs.text import clean


class Planned(NamedTuple):
    """A job before it has a sweep: the overrides that make it, and its recipe with all that is in force."""

    cell: list[str]
    recipe: Recipe


class Forked(NamedTuple):
    """A run, and the checkpoint of it that all jobs of a sweep begin with."""

    run: RunFolder
    checkpoint: Found

    @property
    def point(self) -> ForkPoint:
        """As the sweep's manifest names it."""
        return ForkPoint(run=str(self.run.path.absolute()), checkpoint=self.checkpoint.path.name)


@dataclass(frozen=True)
class Plan:
    """A sweep before it is made; all that its call asked for is right."""

    file: Path
    """Of the recipe."""
    grid: Grid
    fork: ForkPoint | None
    cells: int
    jobs: dict[str, Planned]
    """By id; cells that come to the same are one."""
    workers: int
    threads: int
    """Of an engine whose recipe does not say."""
    results: Path

    @property
    def name(self) -> str:
        """Of the recipe."""
        return next(iter(self.jobs.values())).recipe.name


def plan_sweep(
    file: Path, grid: Grid, forked: Forked | None, workers: int | None, results: Path | None, modules: Sequence[str]
) -> Plan:
    """Check all that a call asks for, environments too; RecipeError and RunError for what is wrong. Where it does not
    say so, there are as many engines at once as cores, and results go to ./results."""
    place = results or Path("results")
    if place.exists() and not place.is_dir():
        raise RunError(f"{place} is no folder: give another --results.")
    cells = load_grid(file, grid, modules)
    check_environments(cells, modules)
    cores = len(os.sched_getaffinity(0))
    at_once = workers or cores
    threads = max(1, cores // at_once)
    jobs = plan_jobs(cells, threads, forked)
    return Plan(file, grid, forked and forked.point, len(cells), jobs, at_once, threads, place)


def plan_jobs(cells: Sequence[Cell], threads: int, forked: Forked | None = None) -> dict[str, Planned]:
    """What is to be run, by id: cells that come to the same once. `threads`: of an engine whose recipe does not say.
    RunError for what a fork cannot be."""
    origin = forked and Origin(result_id(recipe_of(forked.run), origin_of(forked.run)), forked.checkpoint.step)
    jobs: dict[str, Planned] = {}
    for cell in cells:
        recipe = with_threads(cell.loaded, threads)
        if forked:
            possible_changes(forked.checkpoint, recipe)
        jobs.setdefault(result_id(recipe, origin), Planned(cell.overrides, recipe))
    return jobs


def with_threads(loaded: LoadedRecipe, threads: int) -> Recipe:
    """The recipe with so many threads, unless it says how many."""
    recipe = loaded.recipe
    if loaded.says("engine.threads"):
        return recipe
    return recipe.model_copy(update={"engine": recipe.engine.model_copy(update={"threads": threads})})


def check_environments(cells: Sequence[Cell], allow_import: Sequence[str]) -> None:
    """Ask the engine for each environment of the grid once; RecipeError with all that there is not."""
    asked: set[str] = set()
    problems: list[Problem] = []
    for cell in cells:
        env = cell.loaded.recipe.env.model_dump_json()
        if env not in asked:
            asked.add(env)
            try:
                ask_engine("spaces", cell.loaded, allow_import)
            except RecipeError as error:
                problems += error.problems
    if problems:
        raise RecipeError(list(dict.fromkeys(problems)))


def free_name(root: Path, recipe: str) -> str:
    """The recipe's name as that of a sweep, with a number behind it where there is one."""
    base = re.sub(r"[^a-z0-9_.-]", "-", recipe.lower())[:20]
    names = {folder.name for folder in list_sweeps(root)}
    return next(
        name for number in range(1, 10_000) if (name := f"{base}-{number}" if number > 1 else base) not in names
    )


def make_sweep(root: Path, name: str, plan: Plan, recipe: str, command: str) -> SweepFolder:
    """Write a sweep's folder, which is there as a whole or not at all. `recipe`: as the call names it."""
    folder = sweep_folder(root, name)
    manifest = Manifest(
        version=1,
        name=name,
        command=command,
        created=time.time(),
        recipe=recipe,
        recipe_file=str(plan.file.absolute()),
        axes=plan.grid.axes,
        seeds=plan.grid.seeds,
        workers=plan.workers,
        threads=plan.threads,
        results=str(plan.results.absolute()),
        jobs=[
            Job(id=id, cell=planned.cell, seed=planned.recipe.seed, run=f"{name}-{id}")
            for id, planned in plan.jobs.items()
        ],
        fork=plan.fork,
    )
    draft = SweepFolder(root / f".{folder.path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        root.mkdir(parents=True, exist_ok=True)
        make_private_folder(draft.path)
        make_private_folder(draft.recipes)
        for job in manifest.jobs:
            write_whole(draft.recipe(job), dump_resolved(plan.jobs[job.id].recipe).encode())
        write_manifest(draft, manifest)
        draft.path.rename(folder.path)
    except OSError as error:
        shutil.rmtree(draft.path, ignore_errors=True)
        if folder.path.exists():
            raise RunError(f"{folder.path} exists already: choose another --name.") from None
        raise RunError(f"The sweep {folder.path} cannot be made: {error.strerror}.") from None
    except ValueError:  # of pydantic, which writes no other text
        shutil.rmtree(draft.path, ignore_errors=True)
        paths = f"{clean(plan.file.absolute())} or {clean(plan.results.absolute())}"
        raise RunError(f"The sweep {folder.path} cannot be made: {paths} is not UTF-8 text.") from None
    return folder


def go_on(
    folder: SweepFolder,
    recipe: Path,
    grid: Grid,
    workers: int | None,
    results: Path | None,
    fork: ForkPoint | None = None,
) -> Manifest:
    """The manifest of a sweep that is called again, with what of it may be another; RunError where it cannot go on."""
    manifest = read_manifest(folder)
    same_grid = sorted(manifest.axes) == sorted(grid.axes) and manifest.seeds == grid.seeds
    if not same_grid or manifest.recipe_file != str(recipe.absolute()) or manifest.fork != fork:
        raise RunError(
            f"The sweep {folder.name} is of another grid, `{manifest.command}`: call it like that, or choose another "
            "--name."
        )
    changed: dict[str, int | str] = {}
    if workers is not None and workers != manifest.workers:
        changed["workers"] = workers
    if results is not None and str(results.absolute()) != manifest.results:
        changed["results"] = str(results.absolute())
    coordination = read_coordination(folder)
    if coordination is not None and is_coordinated(folder, coordination):
        if folder.stop.exists() or coordination.state == "stopping":
            raise RunError(f"The sweep {folder.name} is being stopped: call again when that is done.")
        if changed:
            what = " and ".join(f"--{option}" for option in changed)
            raise RunError(f"The sweep {folder.name} is running: {what} can change when it is stopped.")
        return manifest
    folder.stop.unlink(missing_ok=True)
    if changed:
        manifest = manifest.model_copy(update=changed)
        write_manifest(folder, manifest)
    return manifest


def coordinator_call(folder: SweepFolder, allow_import: Sequence[str]) -> list[str]:
    """Words of the coordinator's command line."""
    options = [word for module in allow_import for word in ("--allow-import", module)]
    return [sys.executable, "-P", "-m", "acceltui.launch.coordinator", str(folder.path), *options]


def start_coordinator(folder: SweepFolder, allow_import: Sequence[str] = ()) -> None:
    """Have a process of its own work through a sweep, which neither a closed terminal nor ^C reaches; returns when it
    has begun, or has found another at it."""
    log = open_to_append(folder.log)
    try:
        process = subprocess.Popen(
            coordinator_call(folder, allow_import),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=engine_environment(allow_import),
            start_new_session=True,
        )
    finally:
        os.close(log)
    while (coordination := read_coordination(folder)) is None or coordination.pid != process.pid:
        if process.poll() is not None:
            if is_coordinated(folder, coordination):
                return
            lines = folder.log.read_text(errors="replace").splitlines()
            raise LaunchError(f"The coordinator of {folder.name} could not begin:{tail(lines)}", 1)
        time.sleep(0.05)


def ask_to_stop(folder: SweepFolder) -> None:
    """Have a sweep end in order: its coordinator does that, a new one where there is none."""
    folder.stop.touch(mode=0o600)
    if not is_coordinated(folder, read_coordination(folder)):
        start_coordinator(folder)
