"""Going back to a checkpoint: everything that `Run.save` wrote, put where it was."""

import torch

from acceltui.engine.checkpoint import Saved
from acceltui.engine.endings import Leaving
from acceltui.engine.errors import SetupError
from acceltui.engine.run import Run
from acceltui.engine.stages import Stage
from acceltui.engine.state import State
from acceltui.recipe.differences import changes
from acceltui.runs.text import clean
from acceltui.runs.versions import changed_versions

RESUMED_STARTS = 2**31 + 2**30 + 2**29
"""Seeds of episodes begun anew at a resume."""


def resume(run: Run, saved: Saved) -> tuple[Stage, Leaving | None]:
    """Where a checkpoint left off: the stage, and how it was being left, if it was; SetupError where it holds what is
    not of this recipe."""
    try:
        return go_back(run, saved), leaving(run, saved)
    except (OSError, MemoryError, torch.OutOfMemoryError):
        raise  # that is the machine's fault
    except Exception as error:  # each part has its own way of not taking another's state
        why = clean(f"{type(error).__name__}: {error}")[:200]
        message = f"checkpoint {saved.path.name} is whole but does not fit this recipe: {why}"
        hint = "put resolved.yaml back as it was, or move the checkpoint away: the one before is taken then"
        raise SetupError("checkpoint", "resume", message, hint) from error


def go_back(run: Run, saved: Saved) -> Stage:
    """Put everything back, and say so."""
    for name, weights in saved.networks().items():
        run.parts.networks[name].load_state_dict(weights)
    state, manifest = saved.state(), saved.manifest
    stage = run.parts.rebuild(manifest["stage"], state["begins"])
    fill_replays(run, saved, stage, state)
    in_mid_episode = stage.load(state["stage"], seed=RESUMED_STARTS + (run.recipe.seed + saved.step) % 2**29)
    run.parts.load(state["parts"])
    run.step = run.live.step = saved.step
    run.rows.clone_steps = state["clone_steps"]
    run.evaluations.load(state["evaluations"])
    live = run.live
    live.random_return = run.evaluations.random.get("random/return")
    live.best_return = run.evaluations.best.reward
    live.switch_step, live.stage = state["switch_step"], stage.name
    if live.switch_step is not None:
        live.budgets = {**live.budgets, "accelerate": live.switch_step}
    live.checkpoint = {"step": saved.step, "time": manifest["time"], "name": saved.path.name}
    run.record.latest = live.latest = state["latest"]
    run.record.rewind(saved.step)
    how = "" if in_mid_episode else "; its episodes begin anew, since the environment cannot say where it stood"
    if not saved.replays:
        lost = " (it lay in a scratch folder that is not here)" if manifest["replays"] else ""
        how = f"; its replay begins empty{lost}, and its episodes anew"
    if different := changed_versions(manifest["versions"]):
        message = f"{', '.join(different)}: what follows may differ in rounding"
        run.record.event("warning", message, step=run.step)
    run.record.event("resume", f"goes on from {saved.path.name}{how}", step=run.step)
    return stage


def fill_replays(run: Run, saved: Saved, stage: Stage, state: State) -> None:
    """Let a stage hold the replays that were saved; where none were, its episodes begin anew."""
    if not saved.replays:
        # Windows of running episodes would reach into frames that are not there.
        state["stage"]["learning"]["interaction"]["envs"] = None
        return
    own = stage.replays
    filled = {name: saved.fill(name, state["replays"][name], replay) for name, replay in own.items()}
    stage.hold(filled)
    if saved.manifest["scratch"] == run.checkpoints.segments.scratch:
        whole = {name: replay for name, replay in own.items() if filled[name] is replay}
        run.checkpoints.segments.keep(whole, saved.replays)


def leaving(run: Run, saved: Saved) -> Leaving | None:
    """How a stage was being left when it was saved, unless the recipe has since been changed in what ended it."""
    left = saved.manifest["leaving"]
    asked_anew = {change.key for change in changes(saved.recipe, run.recipe)} & {"accelerator.steps", "switch"}
    if left is None or (asked_anew and left["why"] in ("budget", "rule")):
        return None
    return Leaving(left["why"], left["by"], left["message"])
