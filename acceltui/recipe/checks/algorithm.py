"""One algorithm serves both stages: `online.algorithm` changes its keys, not its kind."""

from collections.abc import Iterator

from acceltui.recipe.checks.conflict import Conflict
from acceltui.recipe.schema import Recipe


def algorithm_conflicts(recipe: Recipe) -> Iterator[Conflict]:
    """Of `online.algorithm` with `algorithm`."""
    kind, changes = recipe.algorithm.kind, recipe.online.algorithm
    if changes.kind not in (None, kind):
        yield Conflict(
            f"stage online cannot change from {kind} to {changes.kind}: the critic would not carry over",
            f"delete it, or write algorithm.kind = {changes.kind}",
            ("online.algorithm.kind", "algorithm.kind", "method"),
        )
        return
    for key, value in changes:
        if value is not None and key not in type(recipe.algorithm).model_fields:
            uses = (f"online.algorithm.{key}", "algorithm.kind", "method")
            yield Conflict(f"{key} is no key of {kind}", "delete it, or give null", uses)
