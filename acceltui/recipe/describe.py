"""What may stand where in a recipe, read off the schema: sections, keys, kinds, nearest names.

`root` is another schema's first section, where the document is no recipe.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, get_args

from pydantic.fields import FieldInfo

from acceltui.recipe.schema import Recipe, Section

Keys = Sequence[str | int]


def fields(section: type[Section]) -> dict[str, FieldInfo]:
    """The fields of a section by the key that a recipe uses."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def sections(annotation: Any) -> list[type[Section]]:
    """The sections that a field may hold, itself or as elements of a list; empty for a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for argument in get_args(annotation) for section in sections(argument)]


def without_kinds(location: Keys) -> tuple[str | int, ...]:
    """A location as pydantic gives it, without the kinds it puts behind fields that are a choice of sections."""
    path: list[str | int] = []
    candidates: list[type[Section]] = [Recipe]
    rest = iter(location)
    for key in rest:
        path.append(key)
        if isinstance(key, int):
            continue
        field = next((fields(section)[key] for section in candidates if key in fields(section)), None)
        candidates = sections(field.annotation) if field else []
        if field and field.discriminator:
            kind = next(rest, None)
            candidates = [section for section in candidates if kind in kinds(section)]
    return tuple(path)


def kinds(section: type[Section]) -> tuple[str, ...]:
    """The values of a section's `kind`; empty where it has none."""
    annotation: Any = section.model_fields["kind"].annotation if "kind" in section.model_fields else None
    return tuple(kind for kind in get_args(annotation) if isinstance(kind, str))


def usual(candidates: list[type[Section]]) -> list[type[Section]]:
    """Of a choice of sections, the one that a map without `kind` is; empty where a map must say it."""
    return [section for section in candidates if kinds(section) and not section.model_fields["kind"].is_required()]


def usual_kind(path: Keys) -> str | None:
    """The kind of a map at `path` that does not say it; None where there is no choice, or no usual one."""
    return next((kinds(section)[0] for section in usual(section_at(path, None))), None)


def kinds_with(path: Keys, root: type[Section] = Recipe) -> list[str]:
    """Where the section around `path` is one of several, the kinds that have this key."""
    choice = section_at(path[:-1], None, root)
    return [kind for section in choice if path[-1] in fields(section) for kind in kinds(section) if len(choice) > 1]


def section_at(path: Keys, document: Any, root: type[Section] = Recipe) -> list[type[Section]]:
    """The sections that may stand at `path` of a plain document; one, where `kind` decides."""
    candidates: list[type[Section]] = [root]
    for key in path:
        document = _child(document, key)
        if isinstance(key, str):
            annotations = [fields(section)[key].annotation for section in candidates if key in fields(section)]
            candidates = [section for annotation in annotations for section in sections(annotation)]
        if isinstance(document, dict):
            fitting = [section for section in candidates if document.get("kind") in kinds(section)]
            candidates = (fitting if "kind" in document else usual(candidates)) or candidates
    return candidates


def _child(document: Any, key: str | int) -> Any:
    if isinstance(document, dict):
        return document.get(key)
    if isinstance(document, list) and isinstance(key, int) and key < len(document):
        return document[key]
    return None


def keys_at(path: Keys, document: Any, root: type[Section] = Recipe) -> list[str]:
    """The keys that the section at `path` may have, in the order of the schema."""
    return list(dict.fromkeys(key for section in section_at(path, document, root) for key in fields(section)))


def homes(key: str, root: type[Section] = Recipe) -> list[str]:
    """Dotted paths of all places in a recipe where `key` belongs."""
    return [path for path in all_paths(root) if path.rpartition(".")[2] == key]


@cache
def all_paths(root: type[Section] = Recipe) -> list[str]:
    """Dotted paths of all keys that a recipe may have."""
    return list(dict.fromkeys(_paths(root, "", ())))


def plain_values(root: type[Section] = Recipe) -> list[str]:
    """Dotted paths of all values that are no sections."""
    sections_of = {path.rpartition(".")[0] for path in all_paths(root)}
    return [path for path in all_paths(root) if path not in sections_of]


def _paths(section: type[Section], prefix: str, above: tuple[type[Section], ...]) -> Iterator[str]:
    for key, field in fields(section).items():
        yield prefix + key
        for inner in sections(field.annotation):
            if inner not in (*above, section):
                yield from _paths(inner, f"{prefix}{key}.", (*above, section))
