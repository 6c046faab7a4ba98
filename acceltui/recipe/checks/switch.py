"""Switch rules: each can fire before the budget of stage accelerate is spent."""

from collections.abc import Iterator

from acceltui.recipe.checks.conflict import Conflict
from acceltui.recipe.schema import Plateau, Recipe, Rule

MAX_DEPTH = 8


def switch_conflicts(recipe: Recipe) -> Iterator[Conflict]:
    """Of the rules of a recipe, if it has any."""
    if recipe.switch:
        yield from _rule(recipe, recipe.switch, "switch", depth=1)


def _rule(recipe: Recipe, rule: Rule, path: str, depth: int) -> Iterator[Conflict]:
    """A rule, and the rules inside it."""
    if depth > MAX_DEPTH:
        yield Conflict(f"rules nested more than {MAX_DEPTH} deep", "use fewer levels of any and all", (path,))
        return
    budget = recipe.accelerator.steps
    start_path, start = f"{path}.step", rule.step or 0
    if rule.plateau:
        start_path, start = f"{path}.plateau.after", rule.plateau.after
    elif rule.share:
        start_path, start = f"{path}.share.after", rule.share.after
    if start > budget:
        yield Conflict(
            f"step {start} comes after the end of the stage, accelerator.steps = {budget}",
            f"give at most {budget}",
            (start_path, "accelerator.steps", "method"),
        )
    elif rule.plateau:
        yield from _patience(recipe, rule.plateau, f"{path}.plateau")
    for key, rules in (("any", rule.any), ("all", rule.all)):
        for index, inner in enumerate(rules or ()):
            yield from _rule(recipe, inner, f"{path}.{key}.{index}", depth + 1)


def _patience(recipe: Recipe, plateau: Plateau, path: str) -> Iterator[Conflict]:
    """Enough evaluations fit between `after` and the end of the stage for the plateau to be seen."""
    budget, every = recipe.accelerator.steps, recipe.evaluation.every
    largest = (budget - plateau.after) // every
    if plateau.patience > largest:
        yield Conflict(
            f"{plateau.patience} evaluations, one every {every} steps from step {plateau.after} on, "
            f"never happen within accelerator.steps = {budget}",
            f"give at most {largest}" if largest else f"give an earlier {path}.after, or evaluate more often",
            (f"{path}.patience", f"{path}.after", "evaluation.every", "accelerator.steps", "method"),
        )
