"""Interquartile means and bootstrap intervals, against cases worked out by hand."""

import numpy as np
import pytest

from acceltui.results.statistics import estimate, interquartile_mean, mean, normalised


def test_the_interquartile_mean_leaves_out_a_quarter_at_each_end() -> None:
    # Of eight, two at each end: (2 + 3 + 4 + 5) / 4.
    assert interquartile_mean(np.array([100.0, 5, 4, 3, 2, 1, 0, 6])) == 3.5
    # Of ten, two: (2 + 3 + 4 + 5 + 6 + 19) / 6.
    assert interquartile_mean(np.array([0.0, 1, 2, 3, 4, 5, 6, 19, 50, 100])) == 6.5
    # Of five, one at each end: (1 + 2 + 3) / 3.
    assert interquartile_mean(np.array([0.0, 50, 1, 2, 3])) == 2
    # Of three, none.
    assert interquartile_mean(np.array([0.0, 1, 5])) == 2


def test_scores_are_0_where_actions_are_random_and_1_at_the_reference() -> None:
    assert normalised([-100, 100, 300, 400], random=-100, reference=300) == [0, 0.5, 1, 1.25]


def test_tasks_are_taken_together_before_the_ends_are_left_out() -> None:
    found = estimate([[0, 1, 2, 100], [3, 4, 5, 6]])
    assert found is not None and found.value == 3.5, "(2 + 3 + 4 + 5) / 4"


def test_runs_are_drawn_task_by_task() -> None:
    found = estimate([[0, 1], [10, 20]], mean)
    # The lowest mean, (0 + 0 + 10 + 10) / 4, is drawn in 1 of 16 samples, which is more than 2.5%; so is the highest.
    assert found is not None
    assert (found.value, found.low, found.high) == (7.75, 5, 10.5)


def test_the_same_results_give_the_same_interval() -> None:
    scores = [np.random.default_rng(3).normal(size=5).tolist() for _ in range(2)]
    first, second = estimate(scores), estimate(scores)
    assert first == second and first is not None
    assert first.low is not None and first.high is not None and first.low < first.value < first.high


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(7)
    covered = 0
    for _ in range(60):
        found = estimate([(task + generator.normal(size=15)).tolist() for task in (-1, 1)], mean)
        assert found is not None and found.low is not None and found.high is not None
        covered += found.low <= 0 <= found.high
    assert 50 <= covered <= 60


def test_a_single_run_has_no_interval() -> None:
    assert estimate([[3]]) == estimate([[3], []])
    one = estimate([[3], [4, 5]], mean)
    assert one is not None and one.value == pytest.approx(4) and one.low is None and one.high is None


def test_no_run_has_no_mean() -> None:
    assert estimate([]) is None and estimate([[], []]) is None
