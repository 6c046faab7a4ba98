"""Attempts of a run in processes of their own, which are killed: the engine's entry, started in a moment."""

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

from engine_process import PATIENCE, new_run, status_of

from acceltui.recipe.schema import Recipe
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["acceltui.engine.process", "torch._dynamo"])
"""It has imported torch, and what torch imports later, which takes seconds, and computed nothing; each attempt is
forked from it."""
TRIES = 5
JUST_AFTER, LATER = 0.02, 0.1
"""Seconds after a moment within which an engine is killed: just after the switch, and after a checkpoint."""


def attempt(verb: str, path: Path) -> None:
    """Be an engine, as `python -m acceltui.engine VERB PATH` is, in a session of its own."""
    from acceltui.engine import process

    os.setsid()
    log = os.open(path / "engine.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.exit({"run": process.run, "resume": process.resume}[verb](RunFolder(path), []))


def begin(verb: str, folder: RunFolder) -> BaseProcess:
    """Start an attempt."""
    process = SERVER.Process(target=attempt, args=(verb, folder.path))
    process.start()
    return process


def happened(folder: RunFolder, kind: str, step: int = 0) -> bool:
    """Whether there is an event of that kind, of that step or later."""
    return any(event["kind"] == kind and event["step"] >= step for event in JsonlReader(folder.events).poll())


def wait_for(process: BaseProcess, condition: Callable[[], object]) -> None:
    """Until it is so, or the attempt is over."""
    deadline = time.monotonic() + PATIENCE
    while not condition() and process.is_alive():
        assert time.monotonic() < deadline, "the engine did not get there"
        time.sleep(0.002)


def kill(process: BaseProcess) -> None:
    """With all the processes that it has started."""
    assert process.pid is not None
    if process.is_alive():
        os.killpg(process.pid, signal.SIGKILL)
    process.join()


def killed_and_resumed(root: Path, recipe: Recipe, seed: int) -> RunFolder:
    """A run that was killed in stage accelerate, just after the switch and in stage online; where it has one stage,
    three times in that. Each time it goes on in a new process; the last one comes to the end."""
    rng = random.Random(seed)
    for number in range(TRIES):
        folder = new_run(root, recipe, f"killed-{number}")
        if killed_thrice(folder, recipe, rng):
            last = begin("resume", folder)
            last.join()
            assert last.exitcode == 0, folder.log.read_text()
            return folder
    raise AssertionError(f"it was too fast to be killed, {TRIES} times")


def killed_thrice(folder: RunFolder, recipe: Recipe, rng: random.Random) -> bool:
    """False where the run was already further than it was to be when it was killed."""
    switch, end = recipe.accelerator.steps, recipe.total_steps
    every = recipe.checkpoint.every
    in_first, in_second = rng.randrange(every, switch - every, every), rng.randrange(switch + every, end - every, every)
    switches = recipe.method == "accelerated"
    moments = [
        lambda: happened(folder, "checkpoint", in_first),
        lambda: happened(folder, "switch") if switches else happened(folder, "checkpoint", switch),
        lambda: happened(folder, "checkpoint", in_second),
    ]
    for number, moment in enumerate(moments):
        process = begin("resume" if number else "run", folder)
        wait_for(process, moment)
        time.sleep(rng.uniform(0, JUST_AFTER if number == 1 else LATER))
        kill(process)
        if status_of(folder).state == "FINISHED" or (number == 0 and happened(folder, "checkpoint", switch)):
            return False
        assert process.exitcode == -signal.SIGKILL, folder.log.read_text()
    return True
