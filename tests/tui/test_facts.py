"""The small panels: where time goes, what evaluation takes, what fills the windows; and what is likely wrong."""

import re

import pytest
from fake_run import make_run
from test_dashboard import dashboard, screen_text, shows, until
from textual.app import App

from acceltui.runs.progress import PARTS
from acceltui.tui.glyphs import ASCII, BRAILLE
from acceltui.tui.palette import SHADES
from acceltui.tui.widgets.facts import stacked
from acceltui.tui.widgets.health import Health

SHARES = {"environment": 0.05, "update": 0.6, "cloning": 0.15, "evaluation": 0.15, "saving": 0.02, "idle": 0.03}


async def test_where_time_goes_and_what_fills_the_windows(tmp_path):
    async with dashboard(make_run(tmp_path, at=0.2)) as (app, _):
        assert re.search(r" time   +update 60%    ", "".join(screen_text(app)))
        assert shows(app, "eval 13% time, 14% of steps")
        assert shows(app, "the newest 50k of the replay") and shows(app, "35k steps in all")


@pytest.mark.parametrize("glyphs", [BRAILLE, ASCII], ids=lambda glyphs: glyphs.name)
async def test_without_colours_lines_tell_segments_apart(tmp_path, monkeypatch, glyphs):
    monkeypatch.setenv("NO_COLOR", "1")
    async with dashboard(make_run(tmp_path, at=0.2), glyphs=glyphs) as (app, _):
        assert re.search(
            r" time  +Xupdate 60% +X[a-z ]+X[a-z ]+X ".replace("X", re.escape(glyphs.vertical)),
            "".join(screen_text(app)),
        )


async def test_success_stands_beside_the_returns_where_there_is_any(tmp_path):
    run = make_run(tmp_path, at=0.2)
    async with dashboard(run) as (app, pilot):
        assert not shows(app, "success")
        run.metrics.append(run.step + 1, "accelerate", {"accelerator/success": 0.4})
        await until(pilot, lambda: shows(app, "n=5  success 40%  plateau"))
        run.metrics.append(run.step + 2, "accelerate", {"transformer/success": 0.25})
        await until(pilot, lambda: shows(app, "success 25%"))


async def test_nothing_fills_the_windows_once_cloning_is_over(tmp_path):
    async with dashboard(make_run(tmp_path, at=0.7)) as (app, _):
        assert shows(app, "steps in all") and not shows(app, "newest")


async def test_panels_that_are_narrow_still_tell_what_evaluation_takes(tmp_path):
    async with dashboard(make_run(tmp_path, at=0.2), (96, 30)) as (app, _):
        assert shows(app, "eval 13% of time") and shows(app, "newest of the replay")


@pytest.mark.parametrize("width", [5, 10, 31, 33, 60, 200])
def test_segments_fill_the_bar_and_have_their_name_where_it_fits(width):
    spans = stacked(SHARES, width, "|")
    bar = "".join(text for text, _ in spans)
    assert len(bar) == width
    for shade, part, name in zip(SHADES, PARTS, ("env", "update", "clone", "eval"), strict=False):
        text = "".join(text for text, style in spans if style == shade)
        assert abs(len(text) - SHARES[part] * width) <= 1
        assert text.startswith(name) == (len(text) > len(name))
        assert text[-1:] in ("", "|") or bar.endswith(text)


def test_a_part_that_took_all_fills_the_bar():
    assert (
        "".join(text for text, _ in stacked(dict.fromkeys(PARTS, 0.0) | {"evaluation": 1.0}, 12, "|")) == "eval 100%   "
    )


def test_no_time_is_no_bar():
    assert stacked({}, 30, "|")[0][0] == "-"


class Shown(App):
    def __init__(self, glyphs):
        super().__init__()
        self.health = Health(glyphs)
        self.health.styles.height = 1

    def compose(self):
        yield self.health


@pytest.mark.parametrize("glyphs", [BRAILLE, ASCII], ids=lambda glyphs: glyphs.name)
async def test_the_first_sentence_is_shown_and_how_many_more_there_are(glyphs):
    app = Shown(glyphs)
    async with app.run_test(size=(60, 3)) as pilot:
        await pilot.pause()
        assert not app.health.display
        for sentences, wanted in (
            (("evaluation takes 61% of the time",), " ! evaluation takes 61% of the time"),
            (("Q diverges", "b", "c"), " ! Q diverges" + 37 * " " + "  +2 more"),
            (("x" * 200, "b"), " ! " + 46 * "x" + glyphs.ellipsis + "  +1 more"),
        ):
            app.health.show(sentences)
            await pilot.pause(0.1)
            assert app.health.display
            assert screen_text(app)[0].rstrip() == wanted
        app.health.show(())
        await pilot.pause(0.1)
        assert not app.health.display


async def test_a_pause_changes_nothing_on_the_screen_while_it_lasts(tmp_path):
    run = make_run(tmp_path)
    async with dashboard(run) as (app, pilot):
        still = app.snapshot.status.progress | {"paused": True}
        paused = still | {"machine": still["machine"] | {"cpu": 0.4}}
        run.beat("PAUSED", progress=paused)
        await until(pilot, lambda: shows(app, "PAUSED") and shows(app, "cpu <3%"))
        before = screen_text(app)[2:]
        idle = still["time"] | {"idle": 10 * sum(still["time"].values())}
        run.beat("PAUSED", progress=still | {"machine": still["machine"] | {"cpu": 1.2}, "time": idle, "eta_s": 7200})
        await until(pilot, lambda: shows(app, "2h"))
        assert screen_text(app)[2:] == before
