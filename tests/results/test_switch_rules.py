"""What rules would have done, as the benchmark prints it, against a case worked out by hand."""

import subprocess
import sys
from pathlib import Path

from made_results import made

from acceltui.runs.results import Result, dump

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "switch_rules.py"


def switched(at: int, returns: list[float]) -> Result:
    """Evaluations every 1,000 steps; the accelerator has 100 up to the switch."""
    result = made(returns, switch_step=at, random_success=0.0, id=f"walk-accelerated-s1-{at:08}")
    for row in result.evaluations:
        if isinstance(row["step"], int) and row["step"] <= at:
            row |= {"stage": "accelerate", "accelerator": 100.0}
    return result


def call(folder: Path, results: list[Result], *words: str) -> subprocess.CompletedProcess[str]:
    for number, result in enumerate(results):
        (folder / f"{number}.json").write_text(dump(result))
    return subprocess.run([sys.executable, SCRIPT, folder, "--until", "6000", *words], capture_output=True, text=True)


def cells(printed: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if line.startswith("│")]


def test_what_a_rule_comes_to_is_the_run_that_was_switched_where_it_fires(tmp_path: Path) -> None:
    # The means of three evaluations are 80 of the accelerator's 100 at step 3,000, and 90 from step 4,000 on.
    early = switched(3000, [50.0, 85.0, 105.0, 100.0, 100.0, 100.0])
    good = switched(4000, [50.0, 85.0, 105.0, 80.0, 180.0, 200.0])
    late = switched(5000, [50.0, 85.0, 105.0, 80.0, 80.0, 140.0])
    called = call(tmp_path, [early, good, late])
    assert called.returncode == 0, called.stderr
    rows = cells(called.stdout)
    # (25 + 67.5 + 95 + 102.5 + 100 + 100) / 6 is 82, and 100 and 78 the others.
    assert ["fixed", "3,000", "82", "0.82"] in rows
    assert ["fixed", "4,000", "100", "1.00"] in rows
    assert ["fixed", "5,000", "78", "0.78"] in rows
    assert ["share 0.8", "3,000", "82", "0.82"] in rows
    assert ["share 0.9", "4,000", "100", "1.00"] in rows
    assert ["share 1", "never", "78", "0.78"] in rows, "it is switched at the last step then"


def test_a_step_that_was_not_run_has_no_figure(tmp_path: Path) -> None:
    returns = [50.0, 85.0, 105.0, 80.0, 80.0, 140.0]
    called = call(tmp_path, [switched(4000, returns), switched(5000, returns)])
    assert ["share 0.8", "3,000", "not run", "-"] in cells(called.stdout), called.stderr


def test_what_is_no_study_of_the_switch_is_said(tmp_path: Path) -> None:
    early, late = switched(4000, [1.0] * 6), switched(5000, [1.0] * 6)
    late.recipe["online.replay"] = 7_000
    called = call(tmp_path, [early, late])
    assert called.returncode == 1 and called.stderr.endswith("differ in online.replay: leave one of them out\n")
    called = call(tmp_path, [early, switched(5000, [1.0] * 5)])
    assert called.returncode == 1 and "has no evaluation at step 6,000: give another --until" in called.stderr


def test_two_results_of_one_switch_step_are_not_taken_for_one(tmp_path: Path) -> None:
    again = made([1.0] * 6, switch_step=2000, id="walk-accelerated-s1-again")
    called = call(tmp_path, [switched(2000, [1.0] * 6), again])
    assert called.returncode == 1
    assert "walk-accelerated-s1-00002000 and walk-accelerated-s1-again were switched at the same step" in called.stderr


def test_of_success_rules_and_means_look_at_nothing_else(tmp_path: Path) -> None:
    # Returns fall where success rises, as where success ends an episode: by returns no share is ever reached.
    early, late = switched(4000, [9.0, 8.0, 7.0, 6.0, 5.0, 4.0]), switched(5000, [9.0, 8.0, 7.0, 6.0, 5.0, 4.0])
    for result, success in ((early, [0.5, 0.95, 1.0, 1.0, 1.0, 1.0]), (late, [0.5, 0.95, 1.0, 1.0, 0.2, 0.2])):
        for row, share in zip(result.evaluations, success, strict=True):
            row["transformer_success"] = share
            if "accelerator" in row:
                row["accelerator_success"] = 1.0
    called = call(tmp_path, [early, late], "--of", "success")
    assert called.returncode == 0, called.stderr
    rows = cells(called.stdout)
    # (0.25 + 0.725 + 0.975 + 1 + 1 + 1) / 6 is 0.825; 0.95, 1 and 1 are the first three to come to 0.9.
    assert ["fixed", "4,000", "0.825", "1.00"] in rows
    assert ["share 0.9", "4,000", "0.825", "1.00"] in rows
    assert ["share 0.8", "3,000", "not run", "-"] in rows
