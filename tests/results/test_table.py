"""Groups of results beside each other, against cases worked out by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_results import made

from acceltui.results import table
from acceltui.results.gather import find_all, results_of
from acceltui.results.groups import Cell, Comparison, compare
from acceltui.results.output import as_document, write
from acceltui.runs.paths import RunError
from acceltui.runs.results import Result, dump

FAST = [(20, 40, 60, 60, 60), (40, 60, 80, 80, 80)]
"""End returns 60 and 80, each after 5 evaluations."""
SLOW = [(0, 10, 20, 30, 40, 50), (0, 20, 40, 60, 80, 100)]
"""40 and 80; means of three from the third on: 10, 20, 30, 40 and 20, 40, 60, 80."""


def two_groups() -> list[Result]:
    fast = [made(returns, seed=seed) for seed, returns in enumerate(FAST, 1)]
    return fast + [made(returns, seed=seed, method="scratch") for seed, returns in enumerate(SLOW, 1)]


def cell(comparison: Comparison, group: str, task: str = "Walk-v1") -> Cell:
    return next(one for one in comparison.cells if (one.group, one.task) == (group, task))


def test_a_group_is_measured_by_the_end_return_of_the_first() -> None:
    found = compare(two_groups(), ["method"])
    assert (found.reference, list(found.groups)) == ("accelerated", ["accelerated", "scratch"])
    fast, slow = cell(found, "accelerated"), cell(found, "scratch")
    assert fast.end_return is not None and (fast.end_return.value, fast.end_return.low, fast.end_return.high) == (
        *(70, 60, 80),
    )
    assert slow.end_return is not None and slow.end_return.value == 60
    # 70 is reached by the second alone of each group: at 4,000 and at 6,000 steps.
    assert fast.reached is not None and (fast.reached.steps, fast.reached.cpu, fast.reached_by) == (4000, 400, 1)
    assert slow.reached is not None and (slow.reached.steps, slow.reached.cpu, slow.reached_by) == (6000, 600, 1)
    assert (slow.reached.total_steps, slow.reached.cpu_training) == (6300, 540)
    assert slow.cpu_share is None, "nobody says how long they trained in all"
    # Trapezoids from 0: (10 + 30 + 50 + 60 + 60) / 5 = 42 and (20 + 50 + 70 + 80 + 80) / 5 = 60.
    assert fast.area == 51


def test_another_group_may_be_the_reference() -> None:
    found = compare(two_groups(), ["method"], "scratch")
    fast = cell(found, "accelerated")
    assert fast.reached is not None and (fast.reached.steps, fast.reached_by) == (4000, 2), "60 at 5,000 and at 3,000"
    with pytest.raises(RunError, match=r"No group is called 'sratch'\. There are: accelerated; scratch\."):
        compare(two_groups(), ["method"], "sratch")


def test_time_is_told_as_a_share_of_all_that_the_reference_took() -> None:
    # Each evaluation adds 90 s of training; the fast reach 60 after 5 and after 3 of them, 360 s on average.
    found = compare([replace(one, cpu={"training": 540.0}) for one in two_groups()], ["method"], "scratch")
    assert cell(found, "accelerated").cpu_share == pytest.approx(360 / 540)
    assert table.tasks(found)[1][9] == "6m (0.67)"
    assert table.tasks(found)[1][11] == "90.0 ms"


def test_scores_over_tasks_have_random_at_0_and_the_reference_at_1() -> None:
    swim = [
        made([-50] * 3, task="Swim-v1", random=-100),
        made([0] * 3, task="Swim-v1", random=-100, seed=2),
        made([0] * 3, task="Swim-v1", random=-100, method="scratch"),
        made([25] * 3, task="Swim-v1", random=-100, method="scratch", seed=2),
    ]
    found = compare([*two_groups(), *swim], ["method"])
    fast, slow = found.across
    # References 70 over 0 and -25 over -100. Scratch: 40/70, 80/70, 100/75, 125/75; of four, the two in the middle.
    assert fast.score is not None and fast.score.value == pytest.approx((60 / 70 + 80 / 70) / 2)
    assert slow.score is not None and slow.score.value == pytest.approx((80 / 70 + 100 / 75) / 2)
    assert slow.score.low is not None and slow.score.low < slow.score.value
    assert (list(slow.tasks), slow.runs) == (["Walk-v1", "Swim-v1"], 4)


def test_what_does_not_count_is_counted_and_named() -> None:
    failed = made([999] * 5, seed=3, method="scratch", state="FAILED", error="the loss is not finite")
    stopped = made([999] * 5, seed=4, method="scratch", state="STOPPED")
    unknown = made([999, 999, 999, None], seed=5, method="scratch")
    found = compare([*two_groups(), failed, stopped, unknown], ["method"])
    slow = cell(found, "scratch")
    assert slow.end_return is not None and slow.end_return.value == 60
    assert (len(slow.counted), len(slow.runs), slow.reached_by) == (2, 5, 1)
    said = " ".join(table.explained(found))
    assert "Not counted in scratch on Walk-v1: walk-scratch-s3 (FAILED: the loss is not finite)." in said
    assert "walk-scratch-s4 (STOPPED)" in said and "walk-scratch-s5 (its last 3 evaluations are not" in said
    assert table.tasks(found)[2][2] == "2 of 5"


def test_a_group_that_has_nothing_that_counts() -> None:
    failed = made([], method="scratch", state="FAILED", error="no GPU")
    found = compare([*two_groups()[:2], failed], ["method"])
    assert table.tasks(found)[2] == ["Walk-v1", "scratch", "0 of 1", *["-"] * 9]
    assert found.across[1].score is None
    assert "scratch has no run that counts on Walk-v1." in found.notes
    # And as the reference: nobody is measured by it.
    found = compare([*two_groups()[:2], failed], ["method"], "scratch")
    assert cell(found, "accelerated").reached is None and found.across[0].score is None
    assert any(note.startswith("Walk-v1 is left out of the means") for note in found.notes)


def test_a_task_whose_reference_is_no_better_than_random_has_no_scale() -> None:
    worse = [made([-5, -5, -5], task="Swim-v1"), made([5, 5, 5], task="Swim-v1", method="scratch")]
    found = compare([*two_groups(), *worse], ["method"])
    assert [list(group.tasks) for group in found.across] == [["Walk-v1"]] * 2
    assert any(note.startswith("Swim-v1 is left out of the means") for note in found.notes)
    assert cell(found, "scratch", "Swim-v1").reached_by == 1, "which can be told without one"


def test_one_seed_has_no_interval_and_a_seed_twice_is_told() -> None:
    found = compare([made([5, 5, 5])], ["method"])
    assert table.tasks(found)[1][2:4] == ["1", "5.000"]
    found = compare([made([5, 5, 5]), made([6, 6, 6], run="again", id="other")], ["method"])
    assert "In accelerated on Walk-v1 more than one run has seed 1." in found.notes


def test_a_training_that_was_repeated_counts_once() -> None:
    repeats = [made([5, 5, 5], run=run, state=state) for run, state in (("a", "CRASHED"), ("b", "FINISHED"))]
    found = compare([*repeats, made([9, 9, 9], run="c"), made([7, 7, 7], seed=2, id="other")], ["method"])
    mine = cell(found, "accelerated")
    assert mine.end_return is not None and mine.end_return.value == 6
    assert [run.run for run in mine.counted] == ["b", "walk-accelerated-s2"]
    assert "Not counted in accelerated on Walk-v1: c (it repeats b)." in found.notes


def test_trainings_of_other_lengths_and_few_runs_are_told() -> None:
    longer = [*two_groups(), made([5] * 8, seed=3)]
    for note in ("runs were trained for 5,000 to 8,000 steps", "Of fewer than 5 runs an interval is little more"):
        assert any(note in one for one in table.explained(compare(longer, ["method"]))), note
    alike = [made([5] * 3, seed=seed, id=str(seed)) for seed in range(5)]
    assert not any("Of fewer" in one or "steps: what" in one for one in table.explained(compare(alike, ["method"])))


def test_groups_by_several_keys() -> None:
    results = [made([5, 5, 5], recipe={"method": "scratch", "online.replay": 10_000, "switch": None})]
    results.append(made([5, 5, 5], recipe={"method": "scratch", "critic.layers": 2}))
    found = compare(results, ["method", "online.replay"], "scratch, 10000")
    assert list(found.groups) == ["scratch, 10_000", "scratch, -"]
    assert found.reference == "scratch, 10_000"
    with pytest.raises(RunError, match=r"a key 'online.repaly' to group by\. Did you mean online\.replay\?"):
        compare(results, ["online.repaly"])


def test_groups_are_in_the_order_of_their_values_and_the_first_named_is_the_reference() -> None:
    def run(norm: str, replay: int) -> Result:
        return made([5, 5, 5], id=f"{norm}-{replay}", recipe={"critic.norm": norm, "online.replay": replay})

    results = [run("none", 20_000), run("none", 5_000), run("layer", 100_000), run("layer", 20_000)]
    found = compare(results, ["critic.norm", "online.replay"])
    assert list(found.groups) == ["layer, 20_000", "layer, 100_000", "none, 5000", "none, 20_000"]
    assert [one.group for one in found.cells] == list(found.groups)
    assert found.reference == "none, 20_000"


def test_the_table_in_markdown() -> None:
    results = [made([5, 5, 5], task="a|b_c"), made([5, 5, 5], task="a|b_c", seed=2)]
    lines = table.markdown(compare(results, ["method"])).splitlines()
    assert lines[0].startswith("| task | method | runs | end return |")
    assert set(lines[1]) == {"|", "-", " "}
    assert lines[2].startswith(r"| a\|b\_c | accelerated | 2 | 5.000 \[5.000 to 5.000\] | 4.167 | - | - | 3,000 |")
    assert all(line.count(" | ") == 11 for line in lines[:3])


def test_figures_for_scripts() -> None:
    found = compare([*two_groups(), made([], method="scratch", seed=3, state="FAILED")], ["method"])
    document = json.loads(json.dumps(as_document(found), allow_nan=False))
    assert document["cells"][0]["end_return"] == {"value": 70, "low": 60, "high": 80}
    assert document["cells"][1]["runs"][2]["why_not"] == "FAILED"
    heading, fast, slow, *scores = table.raw(found)
    assert {len(row) for row in (heading, fast, slow, *scores)} == {len(table.RAW)}
    assert dict(zip(heading, slow, strict=True)) == {
        "task": "Walk-v1",
        "group": "scratch",
        "runs": 3,
        "counted": 2,
        "end_return": 60,
        "low": 40,
        "high": 80,
        "area": pytest.approx((125 / 6 + 250 / 6) / 2),
        "dip": None,
        "frozen": None,
        "steps": 6000,
        "total_steps": 6300,
        "cpu_training": 540,
        "cpu": 600,
        "reached_by": 1,
        "cpu_share": None,
        "step_cpu_accelerate": None,
        "step_cpu_online": pytest.approx(0.09),
        "lowest": None,
    }
    assert scores[1][:5] == ["*", "scratch", 2, 2, pytest.approx((40 + 80) / 2 / 70)]


def test_files_and_folders_of_results_are_found_each_once(tmp_path: Path) -> None:
    results = two_groups()
    (tmp_path / "kept").mkdir()
    for number, result in enumerate(results):
        (tmp_path / "kept" / f"{number}.json").write_text(dump(result))
    named = find_all([str(tmp_path / "kept" / "3.json"), str(tmp_path / "kept")], tmp_path)
    assert len(named) == 4
    assert results_of(named) == [results[3], *results[:3]]
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match=r"neither a run nor a folder of results: it holds no \*\.json"):
        find_all([str(tmp_path / "empty")], tmp_path)
    (tmp_path / "kept" / "9.json").write_text('{"version": 1}')
    with pytest.raises(RunError, match=r"9\.json is no result of a run: id: field required\."):
        find_all([str(tmp_path / "kept" / "9.json")], tmp_path)


def test_what_lies_below_a_folder_is_found_among_other_files(tmp_path: Path) -> None:
    results = two_groups()
    for number, result in enumerate(results):
        (tmp_path / "study" / str(number % 2)).mkdir(parents=True, exist_ok=True)
        (tmp_path / "study" / str(number % 2) / f"{number}.json").write_text(dump(result))
    write(results, compare(results, ["method"]), tmp_path / "study")
    told: list[str] = []
    assert len(find_all([str(tmp_path / "study")], tmp_path, told.append)) == 4
    [line] = told
    assert line.startswith("Passed over: ") and "figures.json is no result of a run" in line
    for path in tmp_path.rglob("[0-9].json"):
        path.unlink()
    with pytest.raises(RunError, match=r"figures\.json is no result"):
        find_all([str(tmp_path / "study")], tmp_path)
