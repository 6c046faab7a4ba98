"""The engine as a process: `python -m acceltui.engine run FOLDER`, and questions that need an environment.

`spaces` and `plan` (of a resolved recipe) and `evaluate` (of a run folder, which is left as it is) answer with one JSON
object on standard output; what is wrong with what was asked is the object `{"error": {"path", "message", "hint"}}`,
with exit code 2. `evaluate` says on standard error how far it is, in lines `evaluated N of M episodes`.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from acceltui.engine.checkpoint import Saved
from acceltui.engine.endings import Diverged, Unsaved, Vanished
from acceltui.engine.errors import SetupError
from acceltui.engine.hooks import Hooks
from acceltui.engine.imports import check_imports
from acceltui.engine.inspect import describe_spaces, plan
from acceltui.engine.monitor import Live, Monitor, vanished_sentence
from acceltui.engine.offline import Asked, evaluate_run
from acceltui.engine.output import print_heedlessly
from acceltui.engine.record import Record
from acceltui.engine.run import Run
from acceltui.engine.tidy import clear_up, keep_to
from acceltui.engine.train import train
from acceltui.recipe.errors import RecipeError
from acceltui.recipe.resolved import load_resolved
from acceltui.recipe.schema import Recipe
from acceltui.runs.checkpoints import find_checkpoints, newest_whole
from acceltui.runs.files import finite
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.lock import engine_lock
from acceltui.runs.metrics import NEWEST, is_count
from acceltui.runs.paths import RunError
from acceltui.runs.status import Status, read_status

EXIT_CODES = {"FINISHED": 0, "STOPPED": 0, "PREEMPTED": 75}
CRASHED, UNUSABLE = 1, 2
GOES = 20.0
"""Seconds that an engine may take to be gone after its last status."""


def main() -> int:
    """Do what the command line says; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m acceltui.engine", description=__doc__)
    parser.add_argument("verb", choices=["run", "resume", "spaces", "plan", "evaluate"])
    parser.add_argument("path", type=Path, help="a run folder, or a resolved recipe")
    parser.add_argument("--allow-import", action="append", default=[], metavar="MODULE")
    of_evaluate = parser.add_argument_group("evaluate")
    of_evaluate.add_argument("--checkpoint")
    of_evaluate.add_argument("--policy", choices=["transformer", "accelerator"])
    of_evaluate.add_argument("--episodes", type=int, default=10)
    of_evaluate.add_argument("--seed", type=int)
    of_evaluate.add_argument("--video", type=Path)
    options = parser.parse_args()
    try:
        if options.verb in ("run", "resume"):
            print_heedlessly()
        if options.verb == "run":
            return run(RunFolder(options.path), options.allow_import)
        if options.verb == "resume":
            return resume(RunFolder(options.path), options.allow_import)
        if options.verb == "evaluate":
            video = options.video and options.video.absolute()
            asked = Asked(options.checkpoint, options.policy, options.episodes, options.seed, video)
            return answer(evaluation(RunFolder(options.path), asked, options.allow_import))
        return answer(question(options.verb, load_resolved(options.path), options.allow_import))
    except (RunError, RecipeError) as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    except OSError as error:
        print(f"{error.filename or options.path} cannot be used: {error.strerror}.", file=sys.stderr)
        return UNUSABLE


def run(folder: RunFolder, allow_import: Sequence[str]) -> int:
    """Train in a new run folder, which becomes the working directory."""
    recipe = load_resolved(folder.resolved)
    os.chdir(folder.path)
    keep_to(folder)
    with engine_lock(folder):
        status = read_status(folder)
        if status is not None and status.state != "STARTING":
            raise RunError(f"{folder.path} has been run before and is {status.state}: `accel resume` goes on with it.")
        return run_locked(folder, recipe, allow_import)


def resume(folder: RunFolder, allow_import: Sequence[str]) -> int:
    """Go on from the newest checkpoint of a run that has ended early."""
    recipe = load_resolved(folder.resolved)
    os.chdir(folder.path)
    keep_to(folder)
    with engine_lock(folder, GOES):
        clear_up(folder)
        status = read_status(folder)
        if status is not None and status.state == "FINISHED":
            raise RunError(f"{folder.name} is FINISHED: there is nothing to resume.")
        found, skipped = newest_whole(folder)
        if found is None:
            raise RunError(f"{folder.name} has no checkpoint to go on from: start a new run.")
        attempt = 1 + latest_attempt(folder, status)
        return run_locked(folder, recipe, allow_import, attempt, Saved(found), skipped)


def latest_attempt(folder: RunFolder, status: Status | None) -> int:
    """The highest number of an attempt that has left a trace, in a run that this was forked from too."""
    rows = [row.get("attempt", 0) for row in JsonlReader(folder.metrics, last=NEWEST).catch_up()]
    saved = [found.manifest["attempt"] for found in find_checkpoints(folder)]
    return max(value for value in [status.attempt if status else 0, *rows, *saved] if is_count(value))


def run_locked(
    folder: RunFolder,
    recipe: Recipe,
    allow_import: Sequence[str],
    attempt: int = 1,
    saved: Saved | None = None,
    skipped: Sequence[str] = (),
) -> int:
    """Train, and say in the status how it ended, however it ends."""
    live = Live(recipe.method, budgets=budgets(recipe))
    live.stage = next(iter(live.budgets))
    since = None
    if saved is not None:
        since = live.step = saved.step
        live.stage = saved.manifest["stage"]
        live.checkpoint = {"step": saved.step, "time": saved.manifest["time"], "name": saved.path.name}
    monitor, record = Monitor(folder, live, attempt), Record(folder, attempt, recipe.log.tensorboard, since)
    hooks = Hooks(folder, record)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda *_: setattr(monitor, "asked_to_leave", True))
    monitor.start()
    try:
        check_imports(recipe, allow_import)
        for sentence in skipped:
            record.event("warning", sentence, step=live.step)
        training = Run(recipe, folder, monitor, record, saved, hooks)
        with contextlib.closing(training.parts):
            code = EXIT_CODES[train(training)]
    except Vanished:
        code = CRASHED
    except SetupError as error:
        live.state, live.error = "FAILED", {"kind": error.kind, "message": str(error)}
        record.event("error", str(error), step=live.step)
        code = UNUSABLE
    except (Diverged, Unsaved) as error:
        live.state, live.error = "FAILED", {"kind": type(error).__name__.lower(), "message": str(error)}
        record.event("error", str(error), step=live.step)
        code = CRASHED
    except Exception as error:
        if not monitor.vanished:  # else it is but the consequence
            traceback.print_exc()
        message = f"{type(error).__name__}: {error}"
        live.state, live.error = "FAILED", {"kind": "crash", "message": message}
        record.event("error", message, step=live.step)
        code = CRASHED
    finally:
        told = monitor.stop()
        if not monitor.vanished:
            hooks.run_at_end(live.state, live.step, (live.error or {}).get("message", ""))
        record.close()
    if monitor.vanished:
        print(vanished_sentence(folder), file=sys.stderr)
    return code if told else CRASHED


def budgets(recipe: Recipe) -> dict[str, int]:
    """Steps each stage of the recipe's method may take."""
    first, second = recipe.accelerator.steps, recipe.online.steps
    match recipe.method:
        case "scratch":
            return {"online": first + second}
        case "accelerator":
            return {"accelerate": first + second}
        case _:
            return {"accelerate": first, "online": second}


Answer = Callable[[], dict[str, Any]]


def question(verb: str, recipe: Recipe, allow_import: Sequence[str]) -> Answer:
    """What is to be found out of a recipe."""

    def ask() -> dict[str, Any]:
        check_imports(recipe, allow_import)
        return describe_spaces(recipe) if verb == "spaces" else plan(recipe)

    return ask


def evaluation(folder: RunFolder, asked: Asked, allow_import: Sequence[str]) -> Answer:
    """What is to be found out of a run's policy."""

    def tell(done: int) -> None:
        print(f"evaluated {done} of {asked.episodes} episodes", file=sys.stderr, flush=True)

    return lambda: finite(evaluate_run(folder, asked, allow_import, tell))


def answer(ask: Answer) -> int:
    """Print what was asked as JSON. Libraries that print or drop files do it where nobody looks."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with tempfile.TemporaryDirectory() as scratch, out:
        os.chdir(scratch)
        try:
            json.dump(ask(), out)
            return 0
        except SetupError as error:
            json.dump({"error": {"path": error.path, "message": error.message, "hint": error.hint}}, out)
            return UNUSABLE
        except (RunError, RecipeError) as error:
            json.dump({"error": {"path": "", "message": str(error), "hint": ""}}, out)
            return UNUSABLE
        finally:
            os.chdir("/")
