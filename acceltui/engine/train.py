"""A whole run: build, accelerate, switch, online.

`train` is the method; `Run` is what surrounds it at every step: rows, evaluations, checkpoints, commands.
"""

import torch

from acceltui.engine.checkpoint import Saved
from acceltui.engine.endings import Leaving
from acceltui.engine.errors import SetupError
from acceltui.engine.run import Run, Stage
from acceltui.engine.stages import Accelerate
from acceltui.runs.text import clean


def train(run: Run) -> str:
    """Go through the stages of the recipe's method, or what is left of them; gives the state the run ends in."""
    recipe = run.recipe
    if run.saved is None:
        run.measure_random()
        stage, leaving = run.parts.begin(), None
    else:
        stage, leaving = resumed(run, run.saved)
    if recipe.method != "accelerated":
        return run.finish(stage, run.follow(stage, until=recipe.total_steps))
    if isinstance(stage, Accelerate):
        leaving = leaving or run.follow(stage, until=recipe.accelerator.steps)
        if not leaving.switches:
            return run.finish(stage, leaving)
        stage = run.switch(stage, leaving)  # and the larger replay goes with the stage that was left
    return run.finish(stage, run.follow(stage, until=stage.begins + recipe.online.steps))


def resumed(run: Run, saved: Saved) -> tuple[Stage, Leaving | None]:
    """Where a checkpoint left off; SetupError where it holds what is not of this recipe."""
    try:
        return run.resume(saved)
    except (OSError, MemoryError, torch.OutOfMemoryError):
        raise  # that is the machine's fault
    except Exception as error:  # each part has its own way of not taking another's state
        why = clean(f"{type(error).__name__}: {error}")[:200]
        message = f"checkpoint {saved.path.name} is whole but does not fit this recipe: {why}"
        hint = "put resolved.yaml back as it was, or move the checkpoint away: the one before is taken then"
        raise SetupError("checkpoint", "resume", message, hint) from error
