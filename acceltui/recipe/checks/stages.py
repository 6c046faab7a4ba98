"""The stages that a recipe's method runs, as the checks look at them."""

from dataclasses import dataclass

from acceltui.recipe.schema import PPO, SAC, TD3, Recipe


@dataclass(frozen=True, slots=True)
class Stage:
    """What one stage learns with, and for how long."""

    replay_path: str
    replay: int
    algorithm: TD3 | SAC | PPO
    changed: frozenset[str]
    """Keys that `online.algorithm` gives, where this stage heeds it."""
    budget: int
    budget_name: str
    """As a message calls it."""

    def key(self, name: str) -> str:
        """The dotted path that a key of the algorithm has its value from."""
        return f"online.algorithm.{name}" if name in self.changed else f"algorithm.{name}"


def stages(recipe: Recipe) -> list[Stage]:
    """In their order; one for `scratch` and for `accelerator`, with both budgets."""
    first, second = recipe.accelerator, recipe.online
    changed = frozenset(key for key, value in second.algorithm if value is not None)
    whole = recipe.total_steps, f"the run's {recipe.total_steps} steps"
    found = []
    if recipe.method != "scratch":
        budget = whole if recipe.method == "accelerator" else (first.steps, f"accelerator.steps = {first.steps}")
        found.append(Stage("accelerator.replay", first.replay, recipe.algorithm, frozenset(), *budget))
    if recipe.method != "accelerator":
        budget = whole if recipe.method == "scratch" else (second.steps, f"online.steps = {second.steps}")
        found.append(Stage("online.replay", second.replay, recipe.online_algorithm, changed, *budget))
    return found
