"""Log and recipe over the dashboard: scroll, find, warnings alone, what is not default."""

import pytest
from fake_run import make_run
from test_dashboard import dashboard, screen_text, shows, until

from acceltui.recipe.differences import unlike_defaults
from acceltui.recipe.resolved import load_resolved
from acceltui.tui.screens.recipe import recipe_lines

LOG = [f"step {step}: all well" for step in range(300)]


@pytest.fixture
def run(tmp_path):
    run = make_run(tmp_path)
    lines = [*LOG]
    lines[40] = "UserWarning: the disk is slow"
    lines[200] = "ValueError: no such thing"
    run.folder.log.write_text("\n".join(lines) + "\n")
    return run


async def test_a_text_is_found_before_and_after(run):
    async with dashboard(run) as (app, pilot):
        await pilot.press("l", *"/all well", "enter")
        await until(pilot, lambda: shows(app, "298 found") and shows(app, "step 299"))
        await pilot.press("escape", *"/step 17:", "enter")
        await until(
            pilot, lambda: shows(app, "1 found") and shows(app, "step 17: all well") and not shows(app, "step 299")
        )
        await pilot.press("escape")
        await until(pilot, lambda: not shows(app, "found"))
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, "1 Return"))


async def test_n_goes_from_one_to_the_next(run):
    async with dashboard(run) as (app, pilot):
        await pilot.press("l", *"/step 3", "enter", "home")
        await until(pilot, lambda: shows(app, "step 3:"))
        await pilot.press("n")
        await until(pilot, lambda: shows(app, "step 39:") and not shows(app, "step 3:"))
        await pilot.press("N")
        await until(pilot, lambda: shows(app, "step 3:"))
        await pilot.press("N")
        await until(pilot, lambda: shows(app, "step 39:"))


async def test_warnings_and_errors_can_be_seen_alone(run):
    async with dashboard(run) as (app, pilot):
        await pilot.press("l")
        await until(pilot, lambda: shows(app, "2 warnings and errors") and shows(app, "step 299"))
        await pilot.press("w")
        await until(
            pilot, lambda: shows(app, "the disk is slow") and shows(app, "no such thing") and not shows(app, "all well")
        )
        await pilot.press("w")
        await until(pilot, lambda: shows(app, "step 299"))


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_recipe_shows_what_is_not_default(run, size):
    async with dashboard(run, size) as (app, pilot):
        await pilot.press("r")
        await until(pilot, lambda: shows(app, "version: 1") and shows(app, "values are not the default"))
        await pilot.press(*"/seed_replay", "enter")
        await until(pilot, lambda: shows(app, "1 found"))
        assert any("seed_replay" in line for line in screen_text(app))
        await pilot.press("escape", "d")
        await until(pilot, lambda: shows(app, "id: HalfCheetah-v5") and not shows(app, "discount"))
        await pilot.press("d", "r")
        await until(pilot, lambda: shows(app, "1 Return"))


async def test_a_recipe_that_cannot_be_read_is_told(run):
    run.folder.resolved.write_text("env: [")
    async with dashboard(run) as (app, pilot):
        await pilot.press("r")
        await until(pilot, lambda: shows(app, "cannot be read"))


def test_keys_that_differ_are_marked_with_what_they_lie_in(run):
    recipe = load_resolved(run.folder.resolved)
    chosen = unlike_defaults(recipe)
    assert {"name", "env.id", "env.hide"} <= chosen
    assert "algorithm.discount" not in chosen
    text = "online:\n  replay: 20000\n  steps: 75000\nlog:\n  every: 500\n"
    marked = {one.text: one.matters for one in recipe_lines(text, {"online.replay"}, "*")}
    assert marked == {
        "  online:": True,
        "*   replay: 20000": True,
        "    steps: 75000": False,
        "  log:": False,
        "    every: 500": False,
    }
