"""A whole run: build, accelerate, switch, online.

`train` is the method; `Run` is what surrounds it at every step: rows, evaluations, checkpoints, commands.
"""

from acceltui.engine.run import Run


def train(run: Run) -> str:
    """Go through the stages of the recipe's method; gives the state the run ends in."""
    recipe, parts = run.recipe, run.parts
    accelerator_steps, online_steps = recipe.accelerator.steps, recipe.online.steps
    run.measure_random()
    match recipe.method:
        case "scratch":
            leaving = run.follow(parts.scratch(), until=accelerator_steps + online_steps)
        case "accelerator":
            leaving = run.follow(parts.accelerate(), until=accelerator_steps + online_steps)
        case "accelerated":
            stage = parts.accelerate()
            leaving = run.follow(stage, until=accelerator_steps)
            if leaving.switches:
                online = run.switch(stage, leaving)
                del stage  # and the larger replay with it
                leaving = run.follow(online, until=run.step + online_steps)
    return run.finish(leaving)
