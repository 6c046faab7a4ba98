"""All that a run has measured can be looked at in the plot of the losses."""

import pytest
from fake_run import make_run
from test_dashboard import dashboard, screen_text, shows

from acceltui.tui.glyphs import ASCII, BRAILLE
from acceltui.tui.plot.widget import Plot
from acceltui.tui.series import LONGEST_NAME, History
from acceltui.tui.views import MOST_CURVES, VIEWS, other_views


def titles(names):
    return [view.title for view in other_views(names)]


def test_metrics_are_grouped_by_what_they_begin_with():
    names = ["zebra/x", "speed/steps", "machine/rss", "env/contacts", "speed/share/idle", "machine/gpu_memory"]
    names += ["speed/updates", "machine/cpu", "alone", "apple/of/my/eye", "speed/share/update"]
    views = {view.title: [(curve.metric, curve.label) for curve in view.curves] for view in other_views(names)}
    assert list(views) == [
        "Speed, a second",
        "Shares of the time",
        "Machine: cpu %",
        "Machine: bytes",
        "Environment",
        "Other metrics",
        "apple/of/my",
        "zebra",
    ]
    assert views["Speed, a second"] == [("speed/steps", "steps"), ("speed/updates", "updates")]
    assert views["Machine: bytes"] == [("machine/gpu_memory", "gpu_memory"), ("machine/rss", "rss")]
    assert views["apple/of/my"] == [("apple/of/my/eye", "eye")]
    assert titles(reversed(names)) == titles(names)


def test_what_a_plot_shows_by_itself_is_not_shown_twice():
    shown = [curve.metric for views in VIEWS.values() for view in views for curve in view.curves]
    assert {"transformer/return", "loss/clone", "grad/actor"} <= {*shown}
    assert other_views([*shown, "transformer/std"]) == []
    assert titles([*shown, "loss/critic_own"]) == ["Other losses"]


def test_many_metrics_of_one_kind_are_in_several_views():
    names = [f"env/part{number:02}" for number in range(2 * MOST_CURVES + 1)]
    views = other_views(names)
    assert [view.title for view in views] == ["Environment", "Environment (2)", "Environment (3)"]
    assert [curve.metric for view in views for curve in view.curves] == names


def test_names_are_anyones_text():
    (view,) = other_views(["\x1b[2J\u202e[b]x" + "y" * 500 + "/\x1b]0;t\x07" + "z" * 500])
    assert view.title == "[b]x" + "y" * 20 and view.curves[0].label == "z" * 20
    assert [(view.title, view.curves[0].label) for view in other_views(["\x1b[2J/\x07", "/"])] == [
        ("Other metrics", "?"),
        ("Other metrics", "?"),
    ]
    history = History()
    history.extend([{"step": 1, "attempt": 1, "x" * (LONGEST_NAME + 1): 1.0, "x" * LONGEST_NAME: 2.0}])
    assert history.names == ("x" * LONGEST_NAME,)


@pytest.mark.parametrize("glyphs", [BRAILLE, ASCII], ids=lambda glyphs: glyphs.name)
async def test_v_goes_on_behind_the_losses_own_views(tmp_path, glyphs):
    run = make_run(tmp_path)
    for step, cpu in ((140_000, 150.0), (141_000, 170.0)):
        values = {"machine/cpu": cpu, "machine/rss": 1_500_000_000, "env/height": 1.25, "odd\x1b[2J/[b]\u202ea": 7.0}
        run.metrics.append(step, "online", values)
    seen = []
    async with dashboard(run, glyphs=glyphs) as (app, pilot):
        plot = app.query_one("#losses", Plot)
        await pilot.press("2")
        while plot.title not in seen:
            seen.append(plot.title)
            assert shows(app, f"2 {plot.title}")
            if plot.title == "Machine: cpu %":
                assert shows(app, "cpu 170")
            if plot.title == "Machine: bytes":
                assert shows(app, "rss 1.50G") or shows(app, "rss 1.5G")
            if plot.title == "odd":
                assert shows(app, "[b]a 7.000")
            await pilot.press("v")
        assert seen[:5] == ["Losses", "Gradient norms", "Values", "Entropy", "Speed, a second"]
        assert seen[5:9] == ["Shares of the time", "Machine: cpu %", "Machine: bytes", "Environment"]
        assert {"odd"} <= {*seen[9:]} and plot.title == "Losses"
        run.metrics.append(142_000, "online", {"new/kind": 3.0})
        while not app.snapshot.history.view("new/kind")[0].size:
            await pilot.pause(0.05)
        for _ in seen[1:]:
            await pilot.press("v")
        assert plot.title == "new" and shows(app, "kind 3.000")


async def test_the_legend_of_many_curves_has_lines_of_its_own_where_the_title_leaves_no_room(tmp_path):
    run = make_run(tmp_path)
    async with dashboard(run) as (app, pilot):
        await pilot.press("2", *"vvvvv")
        lines = screen_text(app)
        (top,) = [number for number, line in enumerate(lines) if "2 Shares of the time" in line]
        legend = " ".join(line.split("│")[1] for line in lines[top + 1 : top + 4])
        for part in ("cloning", "environment", "evaluation", "idle", "saving", "update"):
            assert f"{part} 0." in legend, legend
        await pilot.press("2")
        await pilot.resize_terminal(170, 40)
        await pilot.pause(0.2)
        assert "environment 0." in next(line for line in screen_text(app) if "2 Shares of the time" in line)


async def test_the_other_plots_have_their_own_views_alone(tmp_path):
    async with dashboard(make_run(tmp_path)) as (app, pilot):
        await pilot.press("3", "v")
        assert shows(app, "3 Cloning loss")
        await pilot.press("1", "v")
        assert shows(app, "1 Return")
