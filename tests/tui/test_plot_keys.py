"""Keys and mouse on the plots of the dashboard: zoom, pan, values under a crosshair, smoothing, axes, other curves."""

import re

from fake_run import make_run
from test_dashboard import dashboard, screen_text, shows

from acceltui.tui.plot.widget import Plot


def axis(app, number=0):
    """Labels of the x axis of a plot, from the top of the screen."""
    feet = [line for line in screen_text(app) if re.search(r"─0?\d[\d.]*[kMsmhd]?─", line) and "╰" in line]
    return re.findall(r"(?<=─)\d[\d.]*[kMsmhd]?(?=─)", feet[number])


async def test_zoom_and_pan_move_all_plots_and_zero_shows_the_whole(tmp_path):
    async with dashboard(make_run(tmp_path)) as (app, pilot):
        whole = axis(app), axis(app, 1)
        assert whole[0][0] == "0" and whole[0][-1] in ("140k", "125k")
        await pilot.press("plus")
        assert axis(app)[0] == "40k" and axis(app)[-1] == "100k"
        zoomed = axis(app)
        await pilot.press("right", "right")
        assert axis(app) != zoomed
        await pilot.press("left", "left")
        assert axis(app) == zoomed
        await pilot.press("minus")
        assert (axis(app), axis(app, 1)) == whole
        await pilot.press("plus", "plus", "0")
        assert (axis(app), axis(app, 1)) == whole


async def test_what_has_just_begun_is_still_there_when_zoomed(tmp_path):
    async with dashboard(make_run(tmp_path, at=0.1)) as (app, pilot):
        newest = app.dashboard.newest()
        await pilot.press("plus", "plus")
        first, last = app.dashboard.look.shown
        assert app.dashboard.look.window and first < newest < last
        assert newest - first > (last - first) / 20, "curves, not an empty plot"


async def test_the_crosshair_reads_what_was_measured_there(tmp_path):
    run = make_run(tmp_path)
    async with dashboard(run) as (app, pilot):
        history = app.snapshot.history
        legend = lambda: next(line for line in screen_text(app) if "1 Return" in line)  # noqa: E731
        newest = legend()
        await pilot.press("i")
        assert "at 10" in legend()
        await pilot.press(*["left"] * 60)
        assert legend() != newest
        steps, values = history.view("transformer/return")
        at = app.dashboard.look.at
        nearest = values[abs(steps - at).argmin()]
        assert f"transformer {nearest:,.0f}" in legend()
        assert sum("│" in line[8:-1] for line in screen_text(app)[4:16]) > 3
        await pilot.press("escape")
        assert legend() == newest


async def test_smoothing_draws_the_average_before_the_curve_and_goes_again(tmp_path):
    async with dashboard(make_run(tmp_path)) as (app, pilot):
        before = screen_text(app)
        await pilot.press("m")
        assert shows(app, "smoothed 0.6") and screen_text(app)[5:15] != before[5:15]
        await pilot.press("m")
        assert shows(app, "smoothed 0.9")
        await pilot.press("m")
        assert screen_text(app)[2:32] == before[2:32]


async def test_y_makes_the_chosen_plot_logarithmic(tmp_path):
    async with dashboard(make_run(tmp_path)) as (app, pilot):
        await pilot.press("2", "y")
        line = next(line for line in screen_text(app) if "2 Losses" in line)
        assert re.search(r"2 Losses ─ log ", line)
        await pilot.press("y")
        assert not re.search(r"2 Losses ─ log ", next(line for line in screen_text(app) if "2 Losses" in line))


async def test_t_plots_over_the_time_of_training(tmp_path):
    async with dashboard(make_run(tmp_path)) as (app, pilot):
        await pilot.press("t")
        assert axis(app)[-1].endswith(("s", "m", "h", "d"))
        await pilot.press("t")
        assert axis(app)[-1].endswith("k")


async def test_v_shows_other_curves_of_which_there_are_any(tmp_path):
    run = make_run(tmp_path, at=0.5)
    run.metrics.append(run.step, run.stage, {"value/mean": 12.5})
    async with dashboard(run) as (app, pilot):
        await pilot.press("2", "v")
        assert shows(app, "2 Gradient norms")
        await pilot.press("v")
        assert shows(app, "2 Values") and shows(app, "mean 12.5")
        await pilot.press("v")
        assert shows(app, "2 Entropy")
        await pilot.press("v")
        assert shows(app, "2 Speed, a second") and shows(app, "updates ")
        await pilot.press("v", "v", "v", "v")
        assert shows(app, "2 Losses")
        await pilot.press("1", "v")
        assert shows(app, "1 Return")  # and no success


async def test_the_wheel_zooms_around_the_mouse_and_a_move_reads(tmp_path):
    async with dashboard(make_run(tmp_path)) as (app, pilot):
        plot = app.query_one("#return", Plot)
        await pilot.hover(plot, offset=(60, 5))
        assert app.dashboard.look.at is not None
        at = app.dashboard.look.at
        plot.post_message(Plot.Turned(0.5, at))
        await pilot.pause()
        first, last = app.dashboard.look.shown
        assert last - first == app.dashboard.look.stop / 2 and first < at < last
        await pilot.hover("#events", offset=(5, 2))
        assert app.dashboard.look.at is None


async def test_keys_before_the_first_row_change_nothing_and_break_nothing(tmp_path):
    async with dashboard(make_run(tmp_path, at=0)) as (app, pilot):
        for key in ("t", "i", "left", "right", "plus", "minus", "0", "m", "y", "v", "escape", "t", "i", "left"):
            await pilot.press(key)
        assert app.is_running and shows(app, "nothing measured here")
