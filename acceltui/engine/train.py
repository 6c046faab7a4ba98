"""A whole run: build, accelerate, switch, online.

`train` is the method; `Run` is what surrounds it at every step: rows, evaluations, checkpoints, commands.
"""

from acceltui.engine.resume import resume
from acceltui.engine.run import Run
from acceltui.engine.stages import Accelerate


def train(run: Run) -> str:
    """Go through the stages of the recipe's method, or what is left of them; gives the state the run ends in."""
    recipe = run.recipe
    if run.saved is None:
        run.measure_random()
        stage, leaving = run.parts.begin(), None
    else:
        stage, leaving = resume(run, run.saved)
    if recipe.method != "accelerated":
        return run.finish(stage, run.follow(stage, until=recipe.total_steps))
    if isinstance(stage, Accelerate):
        leaving = leaving or run.follow(stage, until=recipe.accelerator.steps)
        if not leaving.switches:
            return run.finish(stage, leaving)
        stage = run.switch(stage, leaving)  # and the larger replay goes with the stage that was left
    return run.finish(stage, run.follow(stage, until=stage.begins + recipe.online.steps))
