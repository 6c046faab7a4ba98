"""The JSON Schema of recipes, for editors that complete and check YAML."""

from typing import Any

from acceltui.recipe.schema import Recipe

# YAML 1.2 reads 100_000 as text; recipes take it for the number.
_GROUPED = {"type": "string", "pattern": r"^[-+]?[0-9]+(_[0-9]+)+(\.[0-9]+)?$"}
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def json_schema() -> dict[str, Any]:
    """A schema of draft 2020-12; a recipe that extends another may leave out what the other gives."""
    schema: dict[str, Any] = _for_yaml(Recipe.model_json_schema(by_alias=True))
    complete = {"required": schema.pop("required"), "properties": _take_required(schema)}
    schema["properties"]["extends"] = {
        "type": "string",
        "minLength": 1,
        "description": "The recipe that this one changes, relative to this file.",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "accel recipe",
        "if": {"not": {"required": ["extends"]}},
        "then": complete,
    }


def _for_yaml(schema: Any) -> Any:
    """Bounds by the names that JSON Schema knows, choices that need no `kind`, digits in groups for numbers."""
    if isinstance(schema, list):
        return [_for_yaml(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: _for_yaml(value) for key, value in schema.items() if key != "discriminator"}
    if "oneOf" in schema:
        schema["anyOf"] = schema.pop("oneOf")
    if schema.get("type") not in ("integer", "number"):
        return schema
    # Pydantic passes the bounds behind a validator on under Python's names.
    schema = {_BOUNDS.get(key, key): value for key, value in schema.items()}
    about = {key: schema.pop(key) for key in ("title", "description", "default") if key in schema}
    return {**about, "anyOf": [schema, _GROUPED]}


def _take_required(schema: dict[str, Any]) -> dict[str, Any]:
    """Move what the sections require out of them; returns it by the section's key in a recipe."""
    required = {}
    for key, field in schema["properties"].items():
        references = [
            option["$ref"].rpartition("/")[2] for option in (field, *field.get("anyOf", ())) if "$ref" in option
        ]
        needed = [schema["$defs"][name].get("required", []) for name in references]
        if shared := sorted(set.intersection(*map(set, needed))) if needed else []:
            required[key] = {"required": shared}
    for section in schema["$defs"].values():
        section.pop("required", None)
    return required
