"""Evaluation and learning happen within the steps of the run."""

from collections.abc import Iterator

from acceltui.recipe.checks.conflict import Conflict
from acceltui.recipe.checks.stages import Stage, stages
from acceltui.recipe.schema import PPO, SAC, TD3, Recipe

BUDGETS = ("accelerator.steps", "online.steps", "method")
"""What the length of a run follows from."""


def budget_conflicts(recipe: Recipe) -> Iterator[Conflict]:
    """Of what needs a step to happen at."""
    yield from _evaluation(recipe)
    first, *later = stages(recipe)
    if isinstance(first.algorithm, PPO):
        for stage in (first, *later):
            assert isinstance(stage.algorithm, PPO)
            yield from _rollout(recipe.env.num_envs, stage, stage.algorithm)
    else:
        yield from _start(first, first.algorithm)


def _evaluation(recipe: Recipe) -> Iterator[Conflict]:
    evaluation, total = recipe.evaluation, recipe.total_steps
    if evaluation.num_envs > evaluation.episodes:
        yield Conflict(
            f"{evaluation.num_envs} environments have only {evaluation.episodes} episodes to share",
            f"give at most {evaluation.episodes}, or raise evaluation.episodes",
            ("evaluation.num_envs", "evaluation.episodes"),
        )
    if evaluation.every > total:
        yield Conflict(
            f"an evaluation every {evaluation.every} steps never happens in a run of {total}",
            f"give at most {total}",
            ("evaluation.every", *BUDGETS),
        )


def _start(stage: Stage, algorithm: TD3 | SAC) -> Iterator[Conflict]:
    """Updates begin, after the random steps and with a batch to learn from, before the first budget is spent."""
    if algorithm.random_steps >= stage.budget:
        yield Conflict(
            f"{algorithm.random_steps} random steps leave nothing of {stage.budget_name} to learn in",
            f"give less than {stage.budget}",
            ("algorithm.random_steps", *BUDGETS),
        )
    if algorithm.batch_size > stage.budget:
        yield Conflict(
            f"a batch of {algorithm.batch_size} is never complete within {stage.budget_name}",
            f"give at most {stage.budget}",
            (stage.key("batch_size"), *BUDGETS),
        )


def _rollout(num_envs: int, stage: Stage, algorithm: PPO) -> Iterator[Conflict]:
    """PPO learns at the end of a rollout."""
    rollout = algorithm.rollout_steps * num_envs
    if rollout > stage.budget:
        largest = stage.budget // num_envs
        yield Conflict(
            f"a rollout of {rollout} steps is never complete within {stage.budget_name}",
            f"give at most {largest}" if largest else "use fewer environments, or more steps",
            (stage.key("rollout_steps"), "env.num_envs", *BUDGETS),
        )
