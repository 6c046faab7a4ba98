"""The recipes that come with accel, and the JSON Schema by which editors complete and check recipes."""

import json
from pathlib import Path
from typing import Any

import pytest

from acceltui.recipe.editor import json_schema
from acceltui.recipe.errors import RecipeError
from acceltui.recipe.library import shipped_recipe, shipped_recipes
from acceltui.recipe.load import load_recipe
from acceltui.recipe.schema import LSTMAccelerator, Recipe

ROOT = Path(__file__).parents[2]


def test_the_json_schema_says_what_the_loader_says() -> None:
    schema = json_schema()
    json.dumps(schema)
    assert schema["$schema"].endswith("2020-12/schema") and schema["title"] == "accel recipe"
    assert set(schema["properties"]) == {*Recipe.model_fields, "extends"}
    assert "from" in schema["$defs"]["Clone"]["properties"]
    assert schema["then"]["properties"] == {"env": {"required": ["id"]}, "accelerator": {"required": ["kind"]}}
    count = schema["$defs"]["LSTMAccelerator"]["properties"]["hidden"]["anyOf"][0]
    assert (count["type"], count["minimum"], count["maximum"]) == ("integer", 1, 65_536)
    assert {"LSTMAccelerator", "MLPAccelerator"} <= set(schema["$defs"])
    assert LSTMAccelerator.__name__ in str(schema["properties"]["accelerator"])


SHIPPED = sorted((ROOT / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_recipes_load_and_say_what_they_are(path: Path) -> None:
    shipped = next(recipe for recipe in shipped_recipes() if recipe.name == path.stem)
    assert shipped.summary and shipped_recipe(path.stem).read_bytes() == path.read_bytes()
    assert load_recipe(path).recipe.name == path.stem


def not_offered(value: object, place: dict[str, Any], schema: dict[str, Any], path: str = "") -> list[str]:
    """Dotted paths of the keys of a recipe that an editor with this schema knows nothing of."""
    if isinstance(value, list):
        items = [option["items"] for option in options(place, schema) if "items" in option]
        return [key for item in value for key in not_offered(item, {"anyOf": items}, schema, path)]
    if not isinstance(value, dict):
        return []
    maps = [option for option in options(place, schema) if "properties" in option]
    fitting = [option for option in maps if value.get("kind") in kinds_of(option)] or maps
    found = []
    for key, inside in value.items():
        places = [option["properties"][key] for option in fitting if key in option["properties"]]
        found += not_offered(inside, {"anyOf": places}, schema, f"{path}{key}.") if places else [path + key]
    return found


def options(place: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """What may stand at a place, references followed."""
    if "$ref" in place:
        return options(schema["$defs"][place["$ref"].rpartition("/")[2]], schema)
    return [found for option in place.get("anyOf", ()) for found in options(option, schema)] or [place]


def kinds_of(option: dict[str, Any]) -> list[str]:
    """The kinds of a map, as `const` or `enum`."""
    kind = option["properties"].get("kind", {})
    return [kind["const"]] if "const" in kind else kind.get("enum", [])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_an_editor_knows_every_key_of_the_shipped_recipes(path: Path) -> None:
    document = load_recipe(path).tree.plain()
    assert not_offered(document, json_schema(), json_schema()) == []


def test_an_editor_marks_keys_that_there_are_not() -> None:
    document = {
        "transformer": {"kind": "ssm", "state": 16, "heads": 4},
        "switch": {"any": [{"step": 5}, {"plateau": {"patients": 3}}]},
        "zzz": 1,
    }
    assert not_offered(document, json_schema(), json_schema()) == [
        "transformer.heads",
        "switch.any.plateau.patients",
        "zzz",
    ]


def test_a_recipe_that_is_not_shipped_is_named() -> None:
    with pytest.raises(RecipeError, match="nowhere: no shipped recipe has this name"):
        shipped_recipe("nowhere")
