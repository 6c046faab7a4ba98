"""The switch rules, on returns as an evaluation would have measured them."""

from typing import Any

import pytest

from acceltui.engine.switch import Evaluated, Verdict, judge, steps_named
from acceltui.recipe.schema import Rule

EVERY = 1_000
"""Steps between the evaluations of these tests."""
NAN = float("nan")


def history(transformer: list[float], accelerator: list[float] | None = None) -> list[Evaluated]:
    """Evaluations at EVERY, 2 * EVERY, ..."""
    pairs = zip(transformer, accelerator or transformer, strict=True)
    return [
        Evaluated(number * EVERY, {"transformer/return": mine, "accelerator/return": other})
        for number, (mine, other) in enumerate(pairs, start=1)
    ]


def verdict(rule: dict[str, Any], evaluations: list[Evaluated], step: int | None = None, random: float = 0) -> Verdict:
    step = len(evaluations) * EVERY if step is None else step
    return judge(Rule.model_validate(rule), step, evaluations, {"random/return": random})


@pytest.mark.parametrize(
    ("step", "fires", "progress"),
    [
        (0, False, "step 0/5,000"),
        (4_999, False, "step 4,999/5,000"),
        (5_000, True, "step 5,000/5,000"),
        (6_000, True, "step 5,000/5,000"),
    ],
)
def test_step(step: int, fires: bool, progress: str) -> None:
    said = verdict({"step": 5_000}, [], step)
    assert (said.fires, said.name, said.progress) == (fires, "step", progress)


PLATEAU = {"patience": 3, "min_gain": 0.1}
LATE_PLATEAU = {"all": [{"step": 10_000}, {"plateau": PLATEAU}]}


@pytest.mark.parametrize(
    ("returns", "random", "rule", "waited", "fires"),
    [
        ([], 0, {}, 0, False),
        ([100], 0, {}, 0, False),
        ([100, 100], 0, {}, 1, False),
        ([100, 100, 100], 0, {}, 2, False),
        ([100, 100, 100, 100], 0, {}, 3, True),
        ([100, 90, 80, 70], 0, {}, 3, True),
        ([100, 105, 109, 110], 0, {}, 3, True),
        # The gain is measured from where the count began, so that many small gains together are one.
        ([100, 105, 109, 113], 0, {}, 0, False),
        ([100, 105, 109, 113, 118, 124, 130], 0, {}, 0, False),
        ([100, 50, 50, 120], 0, {}, 0, False),
        ([100, 50, 50, 120, 120, 120, 120], 0, {}, 3, True),
        ([100, 100, 100, 100, 100, 500], 0, {}, 0, False),
        # Relative to what was gained over random actions: 8 of 20, and 8 of 1008.
        ([-12, -4], -20, {}, 0, False),
        ([-12, -4], -1012, {}, 1, False),
        ([-1500, -1400, -1450, -1480], -1200, {"min_gain": 0.02}, 2, False),
        ([-1500, -1500, -1500, -1500], -1200, {}, 3, True),
        # Evaluations before `after` do not count, not as the best either.
        ([100, 100, 100, 100], 0, {"after": 2_000}, 2, False),
        ([100, 100, 100, 100, 100], 0, {"after": 2_000}, 3, True),
        ([900, 100, 100, 200, 300], 0, {"after": 2_000}, 0, False),
        ([100, 110, 120, 131], 0, {"min_gain": 0}, 0, False),
        ([100, 100, 100, 100], 0, {"patience": 4}, 3, False),
    ],
)
def test_plateau(returns: list[float], random: float, rule: dict[str, Any], waited: int, fires: bool) -> None:
    whole = PLATEAU | rule
    said = verdict({"plateau": whole}, history(returns), random=random)
    assert (said.fires, said.name, said.progress) == (fires, "plateau", f"plateau {waited}/{whole['patience']}")


def test_plateau_looks_at_the_policy_it_is_of() -> None:
    evaluations = history(transformer=[100, 200, 300, 400], accelerator=[500, 500, 500, 500])
    assert not verdict({"plateau": PLATEAU | {"of": "transformer/return"}}, evaluations).fires
    assert verdict({"plateau": PLATEAU | {"of": "accelerator/return"}}, evaluations).fires


def test_a_return_that_is_no_number_is_no_gain() -> None:
    assert verdict({"plateau": PLATEAU}, history([100, NAN, NAN, NAN])).fires
    assert not verdict({"share": {"reach": 0.9}}, history([NAN, 100, 100])).fires


@pytest.mark.parametrize(
    ("transformer", "accelerator", "random", "after", "fires", "progress"),
    [
        ([], [], 0, 0, False, "share -/0.9"),
        ([100, 100], [100, 100], 0, 0, False, "share -/0.9"),
        ([90, 90, 90], [100, 100, 100], 0, 0, True, "share 0.90/0.9"),
        ([89, 89, 89], [100, 100, 100], 0, 0, False, "share 0.89/0.9"),
        ([110, 110, 110], [100, 100, 100], 0, 0, True, "share 1.10/0.9"),
        # Means of the last three.
        ([80, 90, 100], [100, 100, 100], 0, 0, True, "share 0.90/0.9"),
        ([100, 100, 0, 0, 0], [100] * 5, 0, 0, False, "share 0.00/0.9"),
        ([0, 0, 90, 90, 90], [100] * 5, 0, 0, True, "share 0.90/0.9"),
        # Measured from what random actions gain.
        ([-200, -200, -200], [-100, -100, -100], -1100, 0, True, "share 0.90/0.9"),
        ([-200, -200, -200], [-100, -100, -100], -300, 0, False, "share 0.50/0.9"),
        ([90, 90, 90], [100, 100, 100], 80, 0, False, "share 0.50/0.9"),
        # No share of nothing.
        ([100, 100, 100], [-50, -50, -50], -50, 0, False, "share -/0.9"),
        ([100, 100, 100], [-60, -60, -60], -50, 0, False, "share -/0.9"),
        ([-900, -900, -900], [-60, -60, -60], -50, 0, False, "share -/0.9"),
        # Not before `after`, however early it was reached.
        ([95, 95, 95], [100, 100, 100], 0, 3_001, False, "share 0.95/0.9"),
        ([95, 95, 95], [100, 100, 100], 0, 3_000, True, "share 0.95/0.9"),
    ],
)
def test_share(
    transformer: list[float], accelerator: list[float], random: float, after: int, fires: bool, progress: str
) -> None:
    rule = {"share": {"reach": 0.9, "after": after}}
    said = verdict(rule, history(transformer, accelerator), random=random)
    assert (said.fires, said.name, said.progress) == (fires, "share", progress)


@pytest.mark.parametrize(
    ("rule", "fires", "name"),
    [
        ({"any": [{"step": 10_000}, {"step": 4_000}]}, True, "step"),
        ({"any": [{"step": 10_000}, {"step": 20_000}]}, False, "step or step"),
        ({"all": [{"step": 1_000}, {"step": 4_000}]}, True, "step and step"),
        ({"all": [{"step": 1_000}, {"step": 10_000}]}, False, "step and step"),
        ({"any": [{"share": {"reach": 0.9}}, {"plateau": PLATEAU}, {"step": 10_000}]}, True, "share or plateau"),
        ({"any": [{"share": {"reach": 2}}, {"plateau": PLATEAU}]}, True, "plateau"),
        ({"all": [{"share": {"reach": 2}}, {"plateau": PLATEAU}]}, False, "share and plateau"),
        ({"all": [{"any": [{"step": 10_000}, {"plateau": PLATEAU}]}, {"step": 4_000}]}, True, "plateau and step"),
        ({"any": [LATE_PLATEAU, {"step": 4_000}]}, True, "step"),
        ({"any": [LATE_PLATEAU, {"step": 5_000}]}, False, "step and plateau or step"),
    ],
)
def test_rules_of_rules(rule: dict[str, Any], fires: bool, name: str) -> None:
    said = verdict(rule, history([100] * 4))
    assert (said.fires, said.name) == (fires, name)


def test_progress_of_rules_of_rules_tells_all_parts() -> None:
    rule = {"any": [{"plateau": PLATEAU}, {"all": [{"share": {"reach": 0.9}}, {"step": 5_000}]}]}
    said = verdict(rule, history([50, 50, 50], [100, 100, 100]))
    assert said.progress == "plateau 2/3 or share 0.50/0.9 and step 3,000/5,000"


def test_details_say_what_is_missing() -> None:
    assert "100.0" in verdict({"plateau": PLATEAU}, history([100, 90])).detail
    assert "2 of 3 evaluations" in verdict({"share": {}}, history([100, 90])).detail
    assert "no better than random" in verdict({"share": {}}, history([1, 1, 1]), random=2).detail
    assert "9,000" in verdict({"share": {"after": 9_000}}, history([100] * 3)).detail


@pytest.mark.parametrize(("returns", "random"), [([100, 90], 0), ([100, 108], -20), ([-50, -60], -20)])
def test_a_plateau_says_which_return_would_be_a_gain(returns: list[float], random: float) -> None:
    said = verdict({"plateau": PLATEAU}, history(returns), random=random)
    assert "1 evaluations without a gain; fires after 2 more that stay below" in said.detail
    gain = float(said.detail.rpartition(" ")[2])
    for value, waited in ((gain - 0.1, 2), (gain + 0.1, 0)):
        assert (
            verdict({"plateau": PLATEAU}, history([*returns, value]), random=random).progress == f"plateau {waited}/3"
        )


def test_a_share_says_which_return_would_fire_it() -> None:
    rule = {"share": {"reach": 0.9}}
    said = verdict(rule, history([50] * 3, [100] * 3), random=-100)
    assert said.detail == "transformer/return 50.0 of 80.0, accelerator 100.0, random -100.0"
    assert not verdict(rule, history([79.9] * 3, [100] * 3), random=-100).fires
    assert verdict(rule, history([80.1] * 3, [100] * 3), random=-100).fires


def test_a_rule_says_what_it_waits_for() -> None:
    assert verdict({"step": 5_000}, [], step=3_000).detail == "fires in 2,000 steps"
    assert verdict({"plateau": PLATEAU}, []).detail == "no evaluation yet"
    assert "9,000" in verdict({"plateau": PLATEAU | {"after": 9_000}}, history([100])).detail
    never = verdict({"plateau": PLATEAU | {"min_gain": 1.5}}, history([100, 90])).detail
    assert never.endswith("fires after 2 more")
    both = verdict({"any": [{"plateau": PLATEAU}, {"step": 5_000}]}, history([100, 90]))
    assert both.detail.startswith("best transformer/return 100.0") and both.detail.endswith("; fires in 3,000 steps")


def test_a_rule_that_fires_does_not_say_what_it_waits_for() -> None:
    said = verdict({"share": {"after": 2_000}}, history([100] * 3))
    assert said.fires
    assert "not before" not in said.detail


@pytest.mark.parametrize(
    ("rule", "steps"),
    [
        (None, []),
        ({"step": 7}, [7]),
        ({"share": {}}, []),
        ({"any": [{"step": 7}, {"all": [{"plateau": {}}, {"step": 9}, {"any": [{"step": 3}]}]}]}, [7, 9, 3]),
    ],
)
def test_steps_at_which_a_rule_must_be_asked(rule: dict[str, Any] | None, steps: list[int]) -> None:
    assert steps_named(None if rule is None else Rule.model_validate(rule)) == steps
