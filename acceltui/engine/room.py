"""The memory of a run: refused before anything is spent on it where it is not there, and foretold by `accel plan`."""

import contextlib

import psutil
import torch

from acceltui.engine.envs.base import Spaces
from acceltui.engine.errors import SetupError
from acceltui.engine.replay import Replay
from acceltui.recipe.schema import Recipe

SPARE = 0.9
"""Of what is free, the share that a hint gives away."""


def check_room(recipe: Recipe, spaces: Spaces, device: torch.device) -> None:
    """SetupError on the largest replay where all that are held at once have no room.

    Memory that is promised and not there would end the run hours later.
    """
    sizes = replay_bytes(recipe, spaces)
    there = free_memory(device)
    if sum(sizes.values()) <= there:
        return
    path = max(sizes, key=lambda key: sizes[key])
    capacity, others = capacities(recipe)[path], sum(sizes.values()) - sizes[path]
    gib = 2**30
    beside = f", {others / gib:.1f} GiB beside them" if others > gib / 20 else ""
    message = (
        f"{capacity:,} transitions take {sizes[path] / gib:.1f} GiB{beside}, and {there / gib:.1f} GiB are free here"
    )
    fits = int(capacity * SPARE * (there - others) / sizes[path])
    hint = f"give at most {fits:,}" if fits > 0 else f"give less for {' and '.join(sizes)}"
    raise SetupError("device", path, message, hint)


def capacities(recipe: Recipe) -> dict[str, int]:
    """Transitions of each replay that is held at the switch, when both stages' are; by recipe key."""
    first, second = {"accelerator.replay": recipe.accelerator.replay}, {"online.replay": recipe.online.replay}
    match recipe.method:
        case "scratch":
            return second
        case "accelerator":
            return first
    rollouts = {"clone.newest": recipe.clone.newest} if recipe.clone.from_ == "rollouts" else {}
    return first | second | rollouts


def replay_bytes(recipe: Recipe, spaces: Spaces) -> dict[str, int]:
    """What each of them takes when it is full."""
    return {
        path: Replay.bytes_for(
            capacity, rollout_envs(recipe) if path == "clone.newest" else recipe.env.num_envs, spaces, recipe.window
        )
        for path, capacity in capacities(recipe).items()
    }


def rollout_envs(recipe: Recipe) -> int:
    """Environments in which the accelerator plays for cloning."""
    return min(recipe.evaluation.num_envs, recipe.clone.rollouts.episodes)


def free_memory(device: torch.device) -> int:
    """Bytes that may still be taken."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available


def taken_memory() -> int:
    """Bytes of this process, and of the environments' processes what they do not share."""
    process = psutil.Process()
    taken = process.memory_info().rss
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it may end meanwhile
            taken += child.memory_full_info().uss
    return taken
