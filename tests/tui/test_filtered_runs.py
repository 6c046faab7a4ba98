"""The list of runs filtered by what their recipes say."""

import re

import pytest
from listing import at_once, listed, make, names
from test_dashboard import screen_text, shows, until

from acceltui.recipe.library import shipped_recipe
from acceltui.recipe.load import dump_resolved, load_recipe
from acceltui.runs.filter import Filter
from acceltui.tui import catalog
from acceltui.tui.catalog import Catalog, filtered

HINT = re.compile(r"part of a name.*seed=2")


def trained(root, name, *overrides, minutes=0):
    """A run with a recipe as an engine writes it."""
    run = make(root, name, minutes=minutes)
    recipe = load_recipe(shipped_recipe("pendulum_quick"), overrides).recipe
    run.folder.resolved.write_text(dump_resolved(recipe))
    return run


@pytest.fixture
def runs(tmp_path):
    trained(tmp_path, "one", "seed=1", "online.replay=20000", minutes=1)
    trained(tmp_path, "two", "seed=2", "online.replay=5000", "online.seed_replay=100", minutes=2)
    return trained(tmp_path, "alone", "seed=2", "method=scratch", minutes=3)


def under_list(app):
    return screen_text(app)[-2].strip()


async def test_conditions_and_words_all_have_to_match(runs):
    async with listed(runs) as (app, pilot):
        await pilot.press("slash")
        await until(pilot, lambda: HINT.search(under_list(app)))
        at_once(app, *"seed=2")
        await until(pilot, lambda: names(app) == ["two", "alone"])
        assert shows(app, "/seed=2") and shows(app, "2 of 3")
        at_once(app, *" online.replay>=10_000")
        await until(pilot, lambda: names(app) == ["alone"])
        await pilot.press("ctrl+u")
        await until(pilot, lambda: len(names(app)) == 3)
        at_once(app, *"env.id=pendulum-v1 RUNNING method!=scratch")
        await until(pilot, lambda: names(app) == ["one", "two"])
        await pilot.press("enter", "escape")
        await until(pilot, lambda: len(names(app)) == 3)


async def test_what_cannot_match_is_said_under_the_list(runs):
    async with listed(runs) as (app, pilot):
        await pilot.press("slash")
        at_once(app, *"foo>>3")
        await until(pilot, lambda: names(app) == [])
        await until(pilot, lambda: "'foo>>3' is not understood" in under_list(app))
        await pilot.press("enter")
        await until(pilot, lambda: under_list(app).startswith("'foo>>3' is not understood"))
        await pilot.press("escape", "slash")
        at_once(app, *"sed=2")
        await until(pilot, lambda: "No recipe here has a value for 'sed'." in under_list(app))
        assert names(app) == []
        await pilot.press("escape")
        await until(pilot, lambda: len(names(app)) == 3 and not shows(app, "No recipe"))


async def test_a_run_that_comes_later_is_filtered_too(runs, tmp_path):
    async with listed(runs) as (app, pilot):
        await pilot.press("slash")
        at_once(app, *"seed=7")
        await until(pilot, lambda: shows(app, "No run matches 'seed=7'."))
        trained(tmp_path, "later", "seed=7")
        await until(pilot, lambda: names(app) == ["later"])


def test_recipes_are_read_only_when_a_word_asks_for_them_and_then_once(runs, tmp_path, monkeypatch):
    looked, read = Catalog(tmp_path), []
    looked.look()
    read_resolved = catalog.read_resolved
    monkeypatch.setattr(catalog, "read_resolved", lambda folder: (read.append(folder.name), read_resolved(folder))[1])
    looked.look()
    assert read == []
    looked.keys = Filter("seed=2").keys
    assert [line.values for line in looked.look()] == [{"seed": "1"}, {"seed": "2"}, {"seed": "2"}]
    looked.look()
    assert sorted(read) == ["alone", "one", "two"]
    runs.folder.resolved.write_text("seed: 5\n")
    assert [line.values["seed"] for line in looked.look()] == ["1", "2", "5"]
    assert len(read) == 4


@pytest.mark.parametrize("text", ["seed: \x1b[2J\n", "seed: [1\n", "a" * (2 << 20), ""])
def test_a_recipe_of_anyones_making_matches_or_not(runs, tmp_path, text):
    runs.folder.resolved.write_text(text)
    assert [folder.name for folder in filtered(tmp_path, Filter("seed=2"))[0]] == ["two"]
    runs.folder.resolved.unlink()
    assert [folder.name for folder in filtered(tmp_path, Filter("seed!=1"))[0]] == ["two"]
