"""Evaluation of a policy that a run has saved, on starts that it has not seen."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from acceltui.engine.device import prepare_device
from acceltui.engine.envs.build import look_at_spaces, make_environments
from acceltui.engine.errors import SetupError
from acceltui.engine.imports import check_imports
from acceltui.engine.interaction import Finished, Interaction, deterministic, run_episodes
from acceltui.engine.saved_policy import SavedPolicy, find_policy
from acceltui.engine.video import Film, choose_gl
from acceltui.recipe.schema import Recipe
from acceltui.runs.folder import RunFolder

FRESH = 1_000_000
"""Where seeds of evaluations begin, if the run has not used those."""


@dataclass(frozen=True)
class Asked:
    """What is to be evaluated, and how; None for what is chosen here."""

    checkpoint: str | None
    policy: str | None
    episodes: int
    seed: int | None
    video: Path | None


def evaluate_run(
    folder: RunFolder, asked: Asked, allow_import: Sequence[str], tell: Callable[[int], None]
) -> dict[str, Any]:
    """Returns, lengths and successes of episodes; `tell` is given how many are over.

    Raises RunError, RecipeError or SetupError where the run has no such policy, or it cannot be had here.
    """
    saved = find_policy(folder, asked.checkpoint, asked.policy)
    recipe, notes = saved.recipe, list(saved.notes)
    check_imports(recipe, allow_import)
    seed = fresh_seed(recipe, asked.episodes) if asked.seed is None else asked.seed
    if used(recipe, seed, asked.episodes):
        notes.append("some of these seeds were used by the run's training or evaluations")
    if asked.video is not None:
        choose_gl()
    with contextlib.closing(Film(asked.video)) if asked.video else contextlib.nullcontext() as film:
        played, reports_success = play(saved, asked.episodes, seed, film, notes, tell)
    return {
        "run": folder.name,
        "checkpoint": saved.found.path.name,
        "step": saved.found.step,
        "stage": saved.found.manifest["stage"],
        "why": saved.found.manifest["why"],
        "policy": saved.name,
        "seed": seed,
        "return": summary([episode.total for episode, _ in played]),
        "steps": summary([length for _, length in played]),
        "success": mean([episode.success for episode, _ in played]) if reports_success else None,
        "success_at_end": mean([episode.success_at_end for episode, _ in played]) if reports_success else None,
        "video": str(asked.video) if asked.video else None,
        "notes": notes,
        "episodes": [
            {
                "seed": seed + number,
                "return": episode.total,
                "steps": length,
                "success": episode.success if reports_success else None,
                "success_at_end": episode.success_at_end if reports_success else None,
            }
            for number, (episode, length) in enumerate(played)
        ],
    }


def play(
    saved: SavedPolicy, episodes: int, seed: int, film: Film | None, notes: list[str], tell: Callable[[int], None]
) -> tuple[list[tuple[Finished, int]], bool]:
    """Episodes with their lengths, the first begun with `seed`, the next with the one after it; and whether the
    environment reports success. The first is filmed."""
    recipe = saved.recipe
    spaces = look_at_spaces(recipe.env)
    try:
        device = prepare_device(recipe.engine, recipe.seed)
    except SetupError as error:
        notes.append(f"{error.message}: evaluated on the processor")
        device = prepare_device(recipe.engine.model_copy(update={"device": "cpu"}), recipe.seed)
    policy = deterministic(saved.actor(spaces, device))
    num_envs = min(episodes, recipe.evaluation.num_envs)
    with contextlib.closing(make_environments(recipe.env, num_envs, spaces, device, film)) as envs:
        interaction = Interaction(envs, recipe.window, device, past=recipe.sees_past)
        played: list[tuple[Finished, int]] = []
        # One episode in each environment, then all begin anew: each with a seed of its own.
        for done in range(0, episodes, num_envs):
            came = run_episodes(interaction, policy, min(num_envs, episodes - done), seed + done)
            played += zip(came.finished, came.lengths, strict=True)
            tell(len(played))
    return played, spaces.succeeds


def fresh_seed(recipe: Recipe, episodes: int) -> int:
    """The first of `episodes` seeds that the run has not used; always the same ones for a recipe."""
    seed = FRESH
    while used(recipe, seed, episodes):
        seed += FRESH
    return seed


def used(recipe: Recipe, seed: int, episodes: int) -> bool:
    """Whether one of `episodes` seeds began an episode of training or of an evaluation. All others of a run are 2^31
    and more."""
    begun = ((recipe.seed, recipe.env.num_envs), (recipe.evaluation.seed, recipe.evaluation.num_envs))
    return any(seed < first + count and first < seed + episodes for first, count in begun)


def summary(values: Sequence[float]) -> dict[str, float]:
    """What is said of a list of numbers."""
    return {
        "mean": mean(values),
        "std": float(np.std(values)),
        "min": float(min(values)),
        "max": float(max(values)),
        "median": float(np.median(values)),
    }


def mean(values: Sequence[float]) -> float:
    """Their mean."""
    return float(np.mean(values))
