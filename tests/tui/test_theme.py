"""Dark and light, and what can be copied or found by name."""

import base64

import pytest
from fake_run import make_run
from test_dashboard import dashboard, screen_text, until

from acceltui.tui import palette
from acceltui.tui.app import AccelApp
from acceltui.tui.glyphs import BRAILLE
from acceltui.tui.screens.log import LogScreen
from acceltui.tui.screens.recipe import RecipeScreen
from acceltui.tui.screens.runs import RunsScreen


def colours(app):
    """All colours on the screen, as #rrggbb."""
    styles = [one.style for strip in app.screen._compositor.render_strips() for one in strip if one.style]
    both = [color for style in styles for color in (style.color, style.bgcolor) if color and color.triplet]
    return {color.triplet.hex for color in both}


def test_the_terminal_says_whether_it_is_light():
    assert palette.choose_theme("auto", {"COLORFGBG": "0;15"}) is palette.LIGHT_THEME
    assert palette.choose_theme("auto", {"COLORFGBG": "15;default;0"}) is palette.DARK_THEME
    assert palette.choose_theme("auto", {}) is palette.DARK_THEME
    assert palette.choose_theme("light", {"COLORFGBG": "15;0"}) is palette.LIGHT_THEME


def test_every_colour_has_a_light_one():
    styles = [one for one in vars(palette).values() if isinstance(one, palette.Style)]
    styles += [*palette.CURVES, *palette.BANDS, *palette.SHADES]
    named = {color.name for style in styles for color in (style.color, style.bgcolor) if color}
    assert named <= palette.LIGHT.keys()


@pytest.mark.parametrize("key", ["", "R", "l", "r", "question_mark", "s"])
async def test_on_a_light_theme_nothing_stays_dark(tmp_path, write_settings, key):
    write_settings("theme: light")
    from acceltui.tui.app import chosen_settings

    settings = chosen_settings()
    app = AccelApp(make_run(tmp_path, at=0.2).folder, BRAILLE, settings=settings)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.snapshot is not None and "-waiting" not in app.dashboard.classes)
        await pilot.press(*([key] if key else []))
        await pilot.pause(0.3)
        assert palette.LIGHT[palette.BACKGROUND] in colours(app)
        assert not colours(app) & palette.LIGHT.keys(), "\n".join(screen_text(app))


async def test_the_palette_changes_the_theme_and_does_what_keys_do(tmp_path):
    async with dashboard(make_run(tmp_path)) as (app, pilot):
        await pilot.press("ctrl+p", *"light theme")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await until(pilot, lambda: palette.LIGHT[palette.BACKGROUND] in colours(app))
        assert not colours(app) & palette.LIGHT.keys()
        await pilot.press("ctrl+p", *"engine's log")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))


@pytest.mark.parametrize(
    ("key", "screen", "expected"),
    [("R", RunsScreen, "{folder}"), ("r", RecipeScreen, "  id: HalfCheetah-v5"), ("l", LogScreen, "step 0: all well")],
)
async def test_what_a_screen_is_about_goes_to_the_terminals_clipboard(tmp_path, monkeypatch, key, screen, expected):
    run = make_run(tmp_path, at=0.2)
    async with dashboard(run) as (app, pilot):
        written = []
        monkeypatch.setattr(app._driver, "write", written.append)
        await pilot.press("Y", key)
        await until(pilot, lambda: isinstance(app.screen, screen))
        await pilot.pause(0.3)
        await pilot.press("Y")
        await pilot.pause()
        sent = [text for text in written if text.startswith("\x1b]52;c;")]
        first, second = (base64.b64decode(text[7:-1]).decode() for text in sent)
        assert first == str(run.folder.path)
        assert expected.format(folder=run.folder.path) in second.splitlines()
        assert any("sent to the terminal's clipboard" in line for line in screen_text(app))


async def test_the_values_at_the_crosshair_can_be_copied(tmp_path, monkeypatch):
    async with dashboard(make_run(tmp_path, at=0.2)) as (app, pilot):
        written = []
        monkeypatch.setattr(app._driver, "write", written.append)
        await pilot.press("i", "Y")
        await pilot.pause()
        text = base64.b64decode(next(one for one in written if "]52;" in one)[7:-1]).decode()
        rows = [line.split("\t") for line in text.splitlines()]
        assert [row[0] for row in rows] == ["accelerator", "transformer"]
        assert all(float(step) == 30_000 and float(value) > 0 for _, step, value in rows)
