"""What is measured of one result, against cases worked out by hand (the numbers are in the tests)."""

import pytest
from made_results import made

from acceltui.results import measures


def test_the_end_return_is_the_mean_of_the_last_three_evaluations() -> None:
    assert measures.end_return(made([100, 2, 3, 4, 8])) == 5
    assert measures.end_return(made([3, 4])) is None, "too few"
    assert measures.end_return(made([])) is None


def test_what_was_spent_until_three_evaluations_together_reach_a_return() -> None:
    # Means of three from the third on: 10, 20, 30, 60.
    found = measures.reached(made([0, 30, 0, 30, 60, 90]), 30)
    assert found == measures.Reached(steps=5000, total_steps=5250, cpu_training=450, cpu=500)
    assert measures.reached(made([0, 30, 0, 30, 60, 90]), 60.1) is None, "never reached"
    assert measures.reached(made([90, 90]), 30) is None, "too few"


def test_a_run_reaches_its_own_end_return() -> None:
    for returns in ([0.1, 0.2, 0.3], [1.1, 2.2, 3.3, 1e-9, 7.7, 0.7]):
        result = made(returns)
        end = measures.end_return(result)
        assert end is not None
        assert measures.reached(result, end) is not None


def test_the_first_time_counts_though_it_is_lost_again() -> None:
    found = measures.reached(made([50, 50, 50, 0, 0, 0, 60, 60, 60]), 50)
    assert found is not None and found.steps == 3000


def test_the_cpu_is_unknown_where_it_was_not_measured() -> None:
    result = made([50, 50, 50])
    for row in result.evaluations:
        row["cpu"] = row["cpu_evaluation"] = row["steps_total"] = None
    assert measures.reached(result, 50) == measures.Reached(3000, None, None, None)


def test_what_a_step_costs_in_each_stage() -> None:
    # 90 s of training up to each evaluation: two before the switch, for 3,000 steps; one after it, for 1,000.
    result = made([1, 2, 3], steps=[1000, 3000, 4000])
    for row in result.evaluations[:2]:
        row["stage"] = "accelerate"
    assert measures.step_costs(result) == {"accelerate": 0.06, "online": 0.09}
    result.evaluations[2]["cpu"] = None
    assert measures.step_costs(result) == {"accelerate": 0.06}
    assert measures.step_costs(made([])) == {}


def test_the_area_is_a_mean_return_from_the_random_policys_on() -> None:
    # 0 to 10 over 1,000 steps, 10 to 30 over 2,000: (5,000 + 40,000) / 3,000.
    assert measures.area(made([10, 30], steps=[1000, 3000])) == 15
    # -10 to 10 over 1,000 steps: nothing; so 40,000 / 3,000.
    assert measures.area(made([10, 30], steps=[1000, 3000], random=-10)) == pytest.approx(40 / 3)
    assert measures.area(made([10, 30], random=None)) is None
    assert measures.area(made([])) is None


def test_a_dip_is_what_was_kept_of_what_had_been_gained_over_random_actions() -> None:
    steps = [1000, 2000, 3000, 4000, 5000, 24_000, 24_001]
    # Before: (10 + 20 + 30) / 3 = 20, which is 10 above random; after: (12 + 18) / 2 = 15, which is 5 above.
    result = made([99, 10, 20, 30, 12, 18, 99], steps=steps, random=10, switch_step=4000)
    assert measures.dip(result) == 0.5, "the last is beyond 20,000 steps, the first before the last three"
    assert measures.lowest(result) == pytest.approx(0.2), "12 is 2 above random"
    # The evaluation at the switch is the last before it.
    assert measures.dip(made([10, 20, 30, 40], random=10, switch_step=3000)) == 3


def test_beside_it_what_the_frozen_clone_would_have_kept() -> None:
    result = made([10, 20, 30, 40, 0, 0], random=10, switch_step=4000)
    assert measures.frozen(result) == 1.5, "40 at the switch, and a mean of 30 of the last three there"
    assert measures.frozen(made([10, 20, 30, 40], random=10)) is None, "no switch"
    assert measures.frozen(made([10, 20, 30, 40], random=10, switch_step=3500)) is None, "not evaluated at the switch"


def test_no_dip_where_there_is_none_to_tell() -> None:
    assert measures.dip(made([10, 20, 30, 40])) is None, "no switch"
    assert measures.dip(made([10, 20, 30, 40], switch_step=2000)) is None, "too few before"
    assert measures.dip(made([10, 20, 30], switch_step=3000)) is None, "none after"
    assert measures.dip(made([10, 20, 30, 40], switch_step=3000, random=20)) is None, "nothing gained"
    assert measures.dip(made([10, 20, 30, 40], switch_step=3000, random=30)) is None, "less than nothing"
    assert measures.dip(made([10, 20, 30, 40], switch_step=3000, random=None)) is None


def test_what_was_not_finite_is_not_passed_over() -> None:
    late, early = made([5, 5, 5, 5, None]), made([None, 5, 5, 5, 8])
    assert measures.end_return(late) is None
    assert measures.end_return(early) == 6
    found = measures.reached(early, 5)
    assert found is not None and found.steps == 4000, "no mean with an unknown in it reaches anything"
    assert measures.area(late) is None and measures.area(early) is None
    assert measures.dip(made([1, None, 3, 4], switch_step=3000)) is None


def test_the_policy_that_counts() -> None:
    both = made([1, 1, 1])
    for row in both.evaluations:
        row["accelerator"] = 7.0
    assert measures.end_return(both) == 1
    assert measures.end_return(made([7, 7, 7], method="accelerator", policy="accelerator")) == 7
    assert measures.end_return(made([7, 7, 7], method="scratch", policy="accelerator")) is None


def test_where_success_ends_episodes_its_share_can_stand_for_the_return() -> None:
    result = made([90, 50, 40, 10], random=5, switch_step=3000, random_success=0.1)
    for row, success in zip(result.evaluations, (0.1, 0.4, 0.6, 0.9), strict=True):
        row["transformer_success"] = success
    found = measures.by_success(result)
    assert measures.end_return(found) == pytest.approx(1.9 / 3)
    # What had been gained by the switch: 1.1 / 3 less 0.1; afterwards 0.9 less 0.1.
    assert measures.dip(found) == pytest.approx(0.8 / (1.1 / 3 - 0.1))
    assert measures.end_return(result) == pytest.approx(100 / 3), "what it was made of stays as it is"
    assert measures.end_return(measures.by_success(made([1, 2, 3]))) is None, "a task without success"
