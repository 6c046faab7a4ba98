"""Can the switch be left alone? What each rule would have done, beside the best of some fixed switch steps.

    python benchmarks/switch_rules.py results/switch results/halfcheetah --until 45000

Of each task and seed there are several results that share a stage accelerate and were switched at different steps
(`accel sweep RUN --at STEP accelerator.steps=STEP`). The one that was switched last has evaluations of both policies
all the while, and rules look at nothing else: so where a rule fires is known without running it, and what comes of that
is the result that was switched there. A rule that has not fired by the last switch is switched there, as by a budget.
The best of several fixed steps is chosen with the returns that it is measured by, which flatters it.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table

from acceltui.engine.switch import Evaluated, judge
from acceltui.recipe.schema import Rule
from acceltui.results import measures
from acceltui.results.gather import find_all, results_of
from acceltui.runs.results import Result

LENGTHS = {"accelerator.steps", "online.steps"}
"""Keys in which the recipes of one study may differ."""

Studies = dict[str, dict[int, dict[int, Result]]]
"""By task, seed and switch step."""


def main() -> None:
    """Print a table for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", help="result files, or folders of them")
    parser.add_argument("--until", type=int, required=True, help="training steps over which returns are averaged")
    parser.add_argument(
        "--of", choices=("return", "success"), default="return", help="what rules and the table look at"
    )
    options = parser.parse_args()
    console = Console()
    for task, seeds in studies(results_of(find_all(options.results, Path("runs")))).items():
        console.print(table(task, seeds, options.until, options.of))


def rules(of: str) -> dict[str, Rule]:
    """Those that are tried, by what the table calls them."""
    shares = {"share 0.8": (0.8, 0), "share 0.9": (0.9, 0), "share 1": (1.0, 0)}
    shares |= {f"share {reach:g}, not before {at:,}": (reach, at) for at in (10_000, 20_000) for reach in (0.8, 0.9)}
    metric = f"transformer/{of}"
    found: dict[str, object] = {
        name: {"share": {"of": metric, "reach": reach, "after": at}} for name, (reach, at) in shares.items()
    }
    for patience in (2, 3, 5):
        found[f"plateau, patience {patience}"] = {"plateau": {"of": metric, "patience": patience, "min_gain": 0.02}}
    return {name: Rule.model_validate(section) for name, section in found.items()}


def studies(results: Iterable[Result]) -> Studies:
    """The accelerated results of each task and seed, where there are several."""
    found: Studies = defaultdict(lambda: defaultdict(dict))
    for result in results:
        if result.method == "accelerated" and result.state == "FINISHED" and result.switch_step is not None:
            of_seed = found[result.task][result.seed]
            if (other := of_seed.get(result.switch_step)) is not None:
                raise SystemExit(f"{other.id} and {result.id} were switched at the same step: leave one of them out")
            of_seed[result.switch_step] = result
    several = {task: {s: one for s, one in seeds.items() if len(one) > 1} for task, seeds in found.items()}
    for seeds in several.values():
        for one in seeds.values():
            check_alike(list(one.values()))
    return {task: seeds for task, seeds in several.items() if seeds}


def check_alike(results: list[Result]) -> None:
    """Refuse results that cannot have come from one stage accelerate."""
    first, *others = results
    for other in others:
        keys = first.recipe.keys() | other.recipe.keys()
        unlike = {key for key in keys if first.recipe.get(key) != other.recipe.get(key)} - LENGTHS
        if unlike:
            raise SystemExit(f"{first.id} and {other.id} differ in {', '.join(sorted(unlike))}: leave one of them out")


def table(task: str, seeds: dict[int, dict[int, Result]], until: int, of: str) -> Table:
    """Fixed steps first, then rules; mean returns until a step, and what of the best fixed step's each comes to."""
    shown = Table("switch", "at step", f"mean {of}", "of the best fixed step", title=task)
    digits = 0 if of == "return" else 3
    steps = sorted(set.intersection(*(set(one) for one in seeds.values())))
    fixed = {step: fmean(mean(one[step], until, of) for one in seeds.values()) for step in steps}
    if not fixed:
        raise SystemExit(f"{task}: no step at which the results of each seed were switched")
    best = max(fixed.values())
    for step, value in fixed.items():
        shown.add_row("fixed", f"{step:,}", f"{value:,.{digits}f}", f"{value / best:.2f}")
    shown.add_section()
    for name, rule in rules(of).items():
        fires = {seed: fires_at(rule, one[max(one)], of) for seed, one in seeds.items()}
        at = ", ".join("never" if step is None else f"{step:,}" for step in fires.values())
        steps_taken = {seed: max(seeds[seed]) if step is None else step for seed, step in fires.items()}
        if all(step in seeds[seed] for seed, step in steps_taken.items()):
            value = fmean(mean(seeds[seed][step], until, of) for seed, step in steps_taken.items())
            shown.add_row(name, at, f"{value:,.{digits}f}", f"{value / best:.2f}")
        else:
            shown.add_row(name, at, "not run", "-")
    return shown


def fires_at(rule: Rule, result: Result, of: str) -> int | None:
    """The step at which a rule fires by the evaluations of a stage accelerate; None where it does not."""
    assert result.switch_step is not None
    zero = result.random_return if of == "return" else result.random_success
    suffix = "" if of == "return" else "_success"
    history: list[Evaluated] = []
    for row in result.evaluations:
        step = row["step"]
        if not isinstance(step, int) or step >= result.switch_step:
            break
        values = {f"{who}/{of}": row.get(f"{who}{suffix}") for who in ("transformer", "accelerator")}
        history.append(Evaluated(step, {name: value for name, value in values.items() if isinstance(value, float)}))
        if judge(rule, step, history, {f"random/{of}": zero or 0.0}).fires:
            return step
    return None


def mean(result: Result, until: int, of: str) -> float:
    """Area under the returns, or the success, up to a training step, over the steps."""
    rows = [row for row in result.evaluations if isinstance(step := row["step"], int) and step <= until]
    told = replace(result, evaluations=rows)
    area = measures.area(told if of == "return" else measures.by_success(told))
    if area is None or rows[-1]["step"] != until:
        raise SystemExit(f"{result.id} has no evaluation at step {until:,}: give another --until")
    return area


if __name__ == "__main__":
    main()
