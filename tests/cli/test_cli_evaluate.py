"""What `accel evaluate` makes of the engine's answer, and of calls that never reach it."""

import json
from collections.abc import Callable

import pytest
from calling import Accel
from stand_in_engine import EVALUATION

from acceltui.runs.folder import RunFolder

Serving = Callable[[str], RunFolder]


@pytest.fixture
def finished(accel: Accel, serving: Serving) -> Accel:
    serving("finish")
    accel("attach")
    return accel


def test_the_answer_is_shown_in_three_forms(finished: Accel) -> None:
    done = finished("evaluate")
    assert (done.returncode, done.stderr) == (0, "Note: a note of the engine's.\n")
    assert done.stdout.splitlines() == [
        "run-a  transformer of checkpoint 0000000050-1 (best, [bold]), 2 episodes with seeds 1,000,000 to 1,000,001",
        "  return   mean -12.5, deviation 2.500, from -15.0 to -10.0, median -12.5",
        "  length   mean 20.0, deviation 0.000, from 20.0 to 20.0, median 20.0",
        "  success  50%, at the end 0%",
    ]
    cells = "run-a\t0000000050-1\t50\ttransformer\t2\t1000000\t-12.5\t2.5\t-15.0\t-10.0\t-12.5\t20.0\t0.5\n"
    assert finished("evaluate", "run-a", "--plain").stdout == cells
    assert json.loads(finished("evaluate", "--json").stdout) == EVALUATION
    assert finished("evaluate", "--json", "--plain").returncode == 2


@pytest.mark.parametrize(
    ("engine", "code", "said"),
    [
        ("wrong", 2, "env.id: no such environment (try Pendulum-v1)\n"),
        ("crash", 1, "The engine crashed when it evaluated"),
    ],
)
def test_what_the_engine_cannot_do_is_told(finished: Accel, engine: str, code: int, said: str) -> None:
    done = finished("evaluate", engine=engine)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(said)


@pytest.mark.parametrize(
    "words",
    [
        ["--now", "--episodes", "3"],
        ["--now", "--video", "a.mp4"],
        ["--now", "--checkpoint", "best"],
        ["--now", "--force"],
        ["--no-wait"],
        ["--episodes", "0"],
        ["--seed", "2147483648"],
        ["--seed", "2147483647", "--episodes", "2"],
        ["--policy", "critic"],
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together_are_refused(finished: Accel, words: list[str]) -> None:
    done = finished("evaluate", "run-a", *words, engine="crash")
    assert (done.returncode, done.stdout) == (2, "")
    assert words[0] in done.stderr or "seeds from" in done.stderr or "--now" in done.stderr


@pytest.mark.parametrize(
    ("video", "said"),
    [
        ("out.gif", "out.gif does not end in .mp4"),
        ("nowhere/out.mp4", "There is no folder nowhere"),
        ("there.mp4", "there.mp4 exists already: give another name, or --force to replace it.\n"),
    ],
)
def test_a_place_where_no_video_can_be_is_told_before_anything_else(finished: Accel, video: str, said: str) -> None:
    (finished.folder / "there.mp4").write_text("mine")
    done = finished("evaluate", "--video", video, engine="crash")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said) and done.stderr.count("\n") == 1


def test_a_video_may_replace_another_when_told_to(finished: Accel) -> None:
    (finished.folder / "there.mp4").write_text("mine")
    assert finished("evaluate", "--video", "there.mp4", "--force").returncode == 0
