"""What differs between recipes, and which of it a run that has begun can take."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from acceltui.recipe.schema import Recipe, Section

FIXED = {
    "seed": "the generators go on from where they stood",
    "method": "its stages are others",
    "env": "what was learned is of another environment",
    "encoder": "its weights have other shapes",
    "critic": "its weights have other shapes",
    "accelerator": "its weights have other shapes",
    "transformer": "its weights have other shapes",
    "algorithm.kind": "a critic of another algorithm means something else",
    "algorithm.rollout_steps": "a rollout is half taken",
    "online.algorithm.rollout_steps": "a rollout is half taken",
    "clone.from": "the replay it draws from is not there",
    "clone.critic": "the critic of its own is not there",
    "clone.rollouts.episodes": "its environments have a replay each",
}
"""What cannot be changed once training has begun, and why."""
FREE = (
    "accelerator.steps",
    "accelerator.replay",
    *(f"{name}.learning_rate" for name in ("accelerator", "critic", "transformer")),
)
"""What can be all the same."""


class Change(NamedTuple):
    """A key whose value is another; None where it is absent."""

    key: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.key} {shown(self.before)} -> {shown(self.after)}"

    def why_not(self, recipe: Recipe) -> str:
        """Why training that has begun cannot go on with it; empty where it can."""
        if self.key == "evaluation.num_envs" and recipe.clone.from_ == "rollouts":
            return "each of clone.rollouts' environments has a replay"
        if self.key in FREE:
            return ""
        return next((why for fixed, why in FIXED.items() if f"{self.key}.".startswith(f"{fixed}.")), "")


def changes(before: Recipe, after: Recipe) -> list[Change]:
    """What is different in `after`, in the order of the schema."""
    old, new = flat(before), flat(after)
    return [Change(key, old.get(key), new.get(key)) for key in {**old, **new} if old.get(key) != new.get(key)]


def side_by_side(recipes: Sequence[Recipe | None]) -> dict[str, list[str]]:
    """Each key in which recipes differ, and its values: `-` where a recipe has no such key, `?` where it is unknown."""
    return values_beside([None if recipe is None else flat(recipe) for recipe in recipes])


def values_beside(known: Sequence[Mapping[str, Any] | None]) -> dict[str, list[str]]:
    """The same of values by dotted key."""
    keys = dict.fromkeys(key for values in known if values is not None for key in values)
    rows = {
        key: ["?" if values is None else shown(values[key]) if key in values else "-" for values in known]
        for key in keys
    }
    return {key: cells for key, cells in rows.items() if len({*cells} - {"?"}) > 1}


def flat(section: Section, path: str = "") -> dict[str, Any]:
    """Values by dotted key; the switch rule is one value."""
    found: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        value, key = getattr(section, name), f"{path}{field.alias or name}"
        found |= flat(value, f"{key}.") if isinstance(value, Section) and key != "switch" else {key: value}
    return found


def shown(value: Any) -> str:
    """A value as a recipe says it, nearly."""
    if isinstance(value, Section):
        return str(value.model_dump(by_alias=True, exclude_unset=True))
    return "null" if value is None else f"{value:_}" if isinstance(value, int) and value > 9999 else str(value)


def unlike_defaults(section: Section, base: Section | None = None, path: str = "") -> set[str]:
    """Dotted keys whose value is not the default; `base`: what the section is where it is left out."""
    found: set[str] = set()
    for name, field in type(section).model_fields.items():
        value, key = getattr(section, name), f"{path}{field.alias or name}"
        if isinstance(base, type(section)):
            default = getattr(base, name)
        else:
            default = ... if field.is_required() else field.get_default(call_default_factory=True)
        if isinstance(value, Section) and key != "switch":
            found |= unlike_defaults(value, default if isinstance(default, Section) else None, f"{key}.")
        elif value != default:
            found.add(key)
    return found
