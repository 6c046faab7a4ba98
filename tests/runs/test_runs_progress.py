"""What readers take from a status that anyone may have written."""

from typing import Any

import pytest

from acceltui.runs.progress import PARTS, read_progress


def test_sentences_are_cleaned_cut_and_few() -> None:
    written: list[Any] = ["\x1b[31mred\x1b[0m\nalert", 7, "x" * 300, None, "", *map(str, range(9))]
    assert read_progress({"health": written}).health == ("red alert", "x" * 200)
    assert read_progress({"health": list("abcdefgh")}).health == tuple("abcde")


@pytest.mark.parametrize("written", [None, 7, "evaluation is slow", {"a": 1}, [[["deep"]]]])
def test_what_is_no_list_of_sentences_is_none(written: object) -> None:
    assert read_progress({"health": written}).health == ()


def test_time_is_told_in_shares_of_known_parts() -> None:
    written = {"update": 30, "evaluation": 10.0, "idle": "long", "cloning": -5, "coffee": 60, "saving": True}
    shares = read_progress({"time": written}).time
    assert shares == dict.fromkeys(PARTS, 0) | {"update": 0.75, "evaluation": 0.25}


@pytest.mark.parametrize("written", [None, [], {}, {"update": 0}, {"update": 10**400}, {"coffee": 3}])
def test_no_time_has_no_shares(written: object) -> None:
    assert not read_progress({"time": written}).time


def test_what_the_rule_sees_and_what_fills_the_windows_are_cleaned() -> None:
    written = {"rule_detail": "best\x07 3,214", "windows": {"size": 1, "capacity": 2, "from": "re\x1b[2Jplay"}}
    progress = read_progress(written)
    assert (progress.rule_detail, progress.windows_from) == ("best 3,214", "replay")
