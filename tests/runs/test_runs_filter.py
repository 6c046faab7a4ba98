"""Which runs words and conditions on their recipes mean."""

import pytest

from acceltui.recipe.differences import flat
from acceltui.recipe.library import ShippedRecipe, shipped_recipes
from acceltui.recipe.load import dump_resolved, load_recipe
from acceltui.runs.filter import Filter, read_values

RECIPE = """\
name: small
seed: 12
method: scratch
note: 'what is long goes on in the next line, which says
  seed: 5'
env:
  kind: gymnasium
  id: "Pendulum-v1"
  keep: [0, 1]
switch:
  any:
  - plateau:
      patience: 5
  - share:
      reach: 0.9
online:
  replay: 20000
  learning_rate: 0.0003
"""


def matches(text: str, known: str = "") -> bool:
    wanted = Filter(text)
    return wanted.matches(known, read_values(RECIPE, wanted.keys))


@pytest.mark.parametrize("text", ["seed=12", "seed!=2", "seed<13", "seed<=12", "seed>11.5", "seed>=12", "seed=12.0"])
def test_numbers_are_compared_as_numbers(text: str) -> None:
    assert matches(text)


@pytest.mark.parametrize("text", ["seed=1", "seed!=12", "seed<12", "seed<=9", "seed>12", "seed>=100", "seed=x"])
def test_what_is_not_so_does_not_match(text: str) -> None:
    assert not matches(text)


@pytest.mark.parametrize(
    "text",
    [
        "method=scratch",
        "method!=accelerated",
        "env.id=pendulum-v1",
        "env.keep=[0,1]",
        "online.replay>=10_000",
        "online.replay=2e4",
        "online.learning_rate=3e-4",
        "switch.any.0.plateau.patience=5",
        "switch.any.1.share.reach<1",
        "seed=12 method=scratch online.replay<30000",
    ],
)
def test_keys_are_those_of_overrides(text: str) -> None:
    assert matches(text)


def test_all_words_have_to_match() -> None:
    assert matches("ANT seed=12 good", "ant_pomdp-s1 +good")
    assert not matches("hopper seed=12", "ant_pomdp-s1 +good")
    assert not matches("ant seed=13", "ant_pomdp-s1 +good")
    assert matches("", "anything") and matches("+good ?!", "+good wow?!")


@pytest.mark.parametrize("text", ["online.steps!=5", "online.steps<5", "env!=3", "seed.x=1", "Seed=12"])
def test_a_recipe_without_the_key_does_not_match(text: str) -> None:
    assert not matches(text)


@pytest.mark.parametrize("word", ["foo>>3", "seed=", "=3", "seed==12", "seed<>2", "a b=", "<", "se-ed=1", "seed=<2"])
def test_what_is_not_understood_matches_nothing_and_says_so(word: str) -> None:
    wanted = Filter(f"ant {word}")
    assert not wanted.matches(f"ant {word}", {"seed": "12"})
    assert wanted.trouble([]) == f"{word.split()[-1]!r} is not understood: write key=value; = may be != < <= > >=."


def test_an_order_is_one_of_numbers() -> None:
    wanted = Filter("seed=12 method<scratch")
    assert not wanted.matches("", read_values(RECIPE, ["seed", "method"]))
    assert wanted.trouble([]) == ("'method<scratch' is not understood: 'scratch' is no number, and < compares numbers.")
    assert "\x1b" not in Filter("\x1b[2J>\x1b[2J").trouble([])


def test_a_key_that_no_recipe_has_is_named_once_all_are_read() -> None:
    wanted = Filter("sed=12")
    read = read_values(RECIPE, wanted.keys)
    assert wanted.trouble([read, read]) == "No recipe here has a value for 'sed'."
    assert wanted.trouble([read, {"sed": "3"}]) == ""
    assert wanted.trouble([read, {}]) == "" and wanted.trouble([]) == ""


@pytest.mark.parametrize("shipped", shipped_recipes(), ids=lambda shipped: shipped.name)
def test_what_is_read_is_what_the_recipe_has(shipped: ShippedRecipe) -> None:
    recipe = load_recipe(shipped.path).recipe
    known = {key: value for key, value in flat(recipe).items() if key != "switch"}
    read = read_values(dump_resolved(recipe), known)
    for key, value in known.items():
        if value in (None, [], {}) or isinstance(value, dict):
            continue
        found = read[key]
        assert found is not None, key
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            assert float(found) == value, key
        elif isinstance(value, str) and len(value) < 100:
            assert found == value, key


@pytest.mark.parametrize("text", ["", "\x00\xff", "- - - -", ":\n:\n :", "  a: 1", "- a\n- b: c\n-", "{" * 1000])
def test_anything_can_be_read(text: str) -> None:
    assert read_values(text, ["a", "seed"]) == {"a": None, "seed": None}
