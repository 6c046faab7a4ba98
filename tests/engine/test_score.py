"""Which evaluation is the best of a run."""

import pytest

from acceltui.engine.evaluations import Score


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ({}, {"transformer/return": -1e9}),
        ({"transformer/return": 1.0}, {"transformer/return": 1.5}),
        ({"accelerator/return": 1.0}, {"accelerator/return": 1.5}),
        ({"transformer/return": 1.0, "accelerator/return": 9.0}, {"transformer/return": 1.5, "accelerator/return": 0}),
        # An episode that succeeds ends, and earns less for it.
        ({"transformer/return": 30.0, "transformer/success": 0.0}, {"transformer/return": 9, "transformer/success": 1}),
        ({"transformer/return": 8.0, "transformer/success": 1.0}, {"transformer/return": 9, "transformer/success": 1}),
    ],
)
def test_success_goes_before_return(worse: dict[str, float], better: dict[str, float]) -> None:
    assert Score.of(worse) < Score.of(better)
    assert not Score.of(better) > Score.of(better)


def test_a_score_says_what_it_is() -> None:
    assert str(Score.of({"transformer/return": 12.34})) == "return 12.3"
    assert str(Score.of({"transformer/return": 12.34, "transformer/success": 0.5})) == "return 12.3, success 0.50"
