"""What no single field of a recipe can say: the values that must fit one another.

Only what the recipe's `method` uses is checked: `scratch` has no accelerator, `accelerator` has no second stage.
"""

from acceltui.recipe.checks.algorithm import algorithm_conflicts
from acceltui.recipe.checks.budget import budget_conflicts
from acceltui.recipe.checks.cloning import cloning_conflicts
from acceltui.recipe.checks.conflict import Conflict
from acceltui.recipe.checks.environment import environment_conflicts
from acceltui.recipe.checks.imports import check_imports
from acceltui.recipe.checks.online import online_conflicts
from acceltui.recipe.checks.replay import replay_conflicts
from acceltui.recipe.checks.switch import switch_conflicts
from acceltui.recipe.checks.transformer import transformer_conflicts
from acceltui.recipe.schema import Recipe

__all__ = ["Conflict", "check", "check_imports"]


def check(recipe: Recipe) -> list[Conflict]:
    """All conflicts of a recipe that the schema accepts."""
    found = [*environment_conflicts(recipe), *budget_conflicts(recipe), *replay_conflicts(recipe)]
    if recipe.method != "accelerator":
        found += [*algorithm_conflicts(recipe), *transformer_conflicts(recipe)]
    if recipe.method == "accelerated":
        found += [*cloning_conflicts(recipe), *online_conflicts(recipe), *switch_conflicts(recipe)]
    return list(dict.fromkeys(found))  # what both stages have wrong alike is said once
