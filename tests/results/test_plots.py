"""Learning curves as pictures."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import made
from matplotlib.figure import Figure
from PIL import Image

from acceltui.results import plots
from acceltui.runs.paths import RunError
from acceltui.tui.palette import CURVES, LIGHT

ACCELERATED = [made([10, 20, 30, 40], switch_step=2500), made([30, 40, 50, 60], seed=2)]


def drawn(results: list[Any], over: str = "steps") -> Any:
    axes = Figure().add_subplot()
    plots.draw_group(axes, results, "accelerated", 0, over)
    return axes


def test_a_picture_over_steps_and_one_over_cpu_seconds_for_each_task(tmp_path: Path) -> None:
    files = plots.draw([*ACCELERATED, made([1, 2, 3], task="Swim-v1 hide=a/b")], ["method"], tmp_path)
    names = ["1-Walk-v1-steps.png", "1-Walk-v1-cpu.png", "2-Swim-v1-hide-a-b-steps.png", "2-Swim-v1-hide-a-b-cpu.png"]
    assert [file.name for file in files] == names and {*tmp_path.iterdir()} == {*files}
    for file in files:
        with Image.open(file) as picture:
            assert picture.format == "PNG" and picture.size == (1050, 630)
            colors = {color for _, color in picture.convert("RGB").getcolors(1 << 24)}
        blue = tuple(int(plots.COLORS[0][at : at + 2], 16) for at in (1, 3, 5))
        assert blue in colors, "the mean is there in full colour"


def test_the_same_results_give_the_same_pictures(tmp_path: Path) -> None:
    once, again = [file.read_bytes() for _ in range(2) for file in plots.draw(ACCELERATED, ["method"], tmp_path)[:1]]
    assert once == again


def test_the_mean_over_seeds_in_a_band_from_the_lowest_to_the_highest() -> None:
    axes = drawn(ACCELERATED)
    mean = next(line for line in axes.lines if line.get_label() == "accelerated (2)")
    assert mean.get_xydata().tolist() == [[0, 0], [1000, 20], [2000, 30], [3000, 40], [4000, 50]]
    (band,) = axes.collections
    edges = band.get_paths()[0].vertices.tolist()
    assert {tuple(edge) for edge in edges if edge[0] in (1000, 4000)} == {
        (1000, 10),
        (1000, 30),
        (4000, 40),
        (4000, 60),
    }
    thin = [line for line in axes.lines if line.get_linewidth() < 1]
    assert [line.get_ydata().tolist() for line in thin] == [[0, 10, 20, 30, 40], [0, 30, 40, 50, 60]]


def test_runs_with_other_evaluations_are_averaged_where_all_of_them_are() -> None:
    x, returns = plots.together(
        [(np.array([0.0, 4]), np.array([0.0, 8])), (np.array([1.0, 2, 6]), np.array([5.0, 6, 2]))]
    )
    assert x.tolist() == [1, 2, 4]
    assert returns.tolist() == [[2, 4, 8], [5, 6, 4]]


def test_the_switch_is_marked_where_it_was() -> None:
    for over, at in (("steps", 2500.0), ("cpu", 225.0)):
        (mark,) = [line for line in drawn(ACCELERATED, over).lines if line.get_marker() == plots.SWITCH]
        assert mark.get_xydata().tolist() == [[at, 25]]


def test_what_does_not_count_is_dotted_and_in_no_mean() -> None:
    failed = made([99, 99, 99], seed=3, state="FAILED", error="NaN")
    axes = drawn([*ACCELERATED, failed])
    assert [line.get_linestyle() for line in axes.lines if line.get_ydata()[-1:] == [99]] == [":"]
    assert axes.lines[-1].get_label() == "accelerated (2)" and axes.lines[-1].get_ydata()[-1] == 50
    assert [line.get_label() for line in drawn([failed]).lines][-1] == "accelerated (0)"


def test_nothing_is_drawn_where_nothing_was_measured(tmp_path: Path) -> None:
    blind = made([1, 2, 3])
    for row in blind.evaluations:
        row["cpu"] = None
    assert [file.name for file in plots.draw([blind], ["method"], tmp_path)] == ["1-Walk-v1-steps.png"]
    assert plots.draw([made([])], ["method"], tmp_path) == []


def test_gaps_stay_gaps(tmp_path: Path) -> None:
    (thin, mean) = drawn([made([1, None, 3, 4, 5])]).lines
    assert np.isnan(thin.get_ydata()[2]) and np.isnan(mean.get_ydata()[2])
    assert len(plots.draw([made([1, None, 3, 4, 5])], ["method"], tmp_path)) == 2


def test_a_formula_in_a_name_is_text(tmp_path: Path) -> None:
    assert len(plots.draw([made([1, 2, 3], task="$\\frac{$", recipe={"method": "$x"})], ["method"], tmp_path)) == 2


def test_colours_are_the_dashboards_on_a_light_background() -> None:
    assert tuple(LIGHT[style.color.name] for style in CURVES if style.color) == plots.COLORS


def test_without_matplotlib_one_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(RunError, match=r"matplotlib, which is not installed: `pip install 'acceltui\[plots\]'`"):
        plots.draw(ACCELERATED, ["method"], tmp_path)
