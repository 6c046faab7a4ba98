"""compare and recipe: what the dashboard shows by `c` and `r`, for scripts."""

import contextlib
import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli_look import accel

from acceltui.recipe.load import load_recipe
from acceltui.recipe.resolved import dump_resolved
from acceltui.runs.folder import RunFolder
from acceltui.runs.metrics import MetricsWriter
from acceltui.runs.outcome import write_result
from acceltui.runs.paths import create_run_folder
from acceltui.runs.status import Status, write_status
from acceltui.runs.text import clean_lines

RECIPE = """version: 1
name: cheetah
env: {kind: gymnasium, id: HalfCheetah-v5}
accelerator: {kind: mlp, steps: 20_000}
switch: {any: [{step: 10_000}]}
online: {replay: %s, seed_replay: 5000, steps: 10_000}
"""


def make(root: Path, name: str, replay: int) -> RunFolder:
    folder = create_run_folder(root, "cheetah", 1, name=name)
    recipe = root / f"{name}.yaml"
    recipe.write_text(RECIPE % replay)
    folder.resolved.write_text(dump_resolved(load_recipe(recipe).recipe))
    metrics = MetricsWriter(folder.metrics, 1)
    for step in (1000, 2000):
        metrics.append(step, "accelerate", {"transformer/return": replay / 1000 + step}, time=1.8e9 + step)
    write_status(folder, Status(state="FINISHED", run=name, step=2000))
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACCEL_RUNS", str(tmp_path))
    make(tmp_path, "small", 5000)
    make(tmp_path, "large", 20_000)
    return tmp_path


def test_runs_are_compared_by_figures_and_by_what_their_recipes_differ_in(root: Path) -> None:
    printed = [line.split() for line in accel("compare", "sm", "large").splitlines()]
    assert printed[0] == ["small", "large"]
    assert ["last", "return", "2,005", "2,020"] in printed and ["step", "2,000", "2,000"] in printed
    assert ["online.replay", "5000", "20_000"] in printed
    found = json.loads(accel("compare", "small", "large", "--json"))
    assert found["small"]["figures"]["last return"] == "2,005"
    assert found["large"]["recipe"] == {"online.replay": "20_000"}
    plain = accel("compare", "small", "large", "--plain").splitlines()
    assert plain[0] == "run\tsmall\tlarge" and "online.replay\t5000\t20_000" in plain
    assert all(line.count("\t") == 2 for line in plain)


def test_a_run_beside_itself_differs_in_nothing(root: Path) -> None:
    assert "differ" not in accel("compare", "small", "small"), "one run has nothing to differ from"
    (root / "large" / "resolved.yaml").write_bytes((root / "small" / "resolved.yaml").read_bytes())
    assert accel("compare", "small", "large").endswith("The recipes do not differ.\n")


def test_what_cannot_be_compared_is_said_in_a_sentence(root: Path) -> None:
    assert "No run in" in accel("compare", "small", "nope", code=2)
    assert "exclude each other" in accel("compare", "small", "--json", "--plain", code=2)


def test_the_recipe_of_a_run_whole_or_what_of_it_is_not_the_default(root: Path) -> None:
    assert accel("recipe", "large") == (root / "large" / "resolved.yaml").read_text()
    changed = accel("recipe", "small", "--changed").splitlines()
    assert "online.replay=5000" in changed and not any(line.startswith("seed=") for line in changed)
    values = json.loads(accel("recipe", "small", "--json"))
    assert values["online.replay"] == 5000 and values["seed"] == 1
    assert json.loads(accel("recipe", "small", "--json", "--changed")).keys() < values.keys()


def test_a_recipe_that_cannot_be_read_is_said_in_a_sentence(root: Path) -> None:
    (root / "small" / "resolved.yaml").write_text("env: [")
    assert "resolved.yaml" in accel("recipe", "small", code=2)
    (root / "small" / "resolved.yaml").unlink()
    assert "resolved.yaml" in accel("recipe", "small", code=2)


def trained(root: Path, name: str, method: str, seed: int, returns: list[float], **status: object) -> RunFolder:
    """A run with evaluations every 1,000 steps, 60 CPU seconds each, 10 of them for the evaluation."""
    folder = create_run_folder(root, "cheetah", seed, name=name)
    recipe = root / f"{name}.yaml"
    recipe.write_text(RECIPE % 20_000 + f"method: {method}\nseed: {seed}\n")
    folder.resolved.write_text(dump_resolved(load_recipe(recipe).recipe))
    metrics = MetricsWriter(folder.metrics, 1)
    metrics.append(0, "accelerate", {"random/return": 0.0, "random/success": 0.1})
    for k, value in enumerate(returns, 1):
        measured = {
            "transformer/return": value,
            "transformer/success": 1 - value / 100,
            "time/cpu": 60.0 * k,
            "time/cpu_evaluation": 10.0 * k,
        }
        metrics.append(1000 * k, "online", measured | {"steps/total": 1500 * k}, time=1.8e9 + k)
    values = {"state": "FINISHED", "run": name, "step": 1000 * len(returns)} | status
    write_status(folder, Status(**values))  # type: ignore[arg-type]
    return folder


@pytest.fixture
def study(root: Path) -> Path:
    """Two methods, two seeds each, the last of which failed; two of them are kept as files alone."""
    runs, results = root, root / "results"
    fast = trained(runs, "fast-1", "accelerated", 1, [30, 60, 60, 60])
    trained(runs, "fast-2", "accelerated", 2, [60, 80, 80, 80])
    slow = trained(runs, "slow-1", "scratch", 1, [0, 30, 60, 70, 80])
    error = {"kind": "diverged", "message": "the loss is not finite"}
    trained(runs, "slow-2", "scratch", 2, [9, 9, 9, 9], state="FAILED", error=error)
    for kept in (fast, slow):
        write_result(kept, results)
        shutil.rmtree(kept.path)
    return root


def test_runs_are_measured_beside_results_that_were_kept_of_others(study: Path) -> None:
    printed = [line.split("\t") for line in accel("compare", "fast-2", str(study / "results"), "--plain").splitlines()]
    assert printed[0] == ["run", "fast-2", "fast-1", "slow-1"]
    rows = {key: cells for key, *cells in printed}
    assert rows["state"] == ["FINISHED"] * 3 and rows["last return"] == ["80.0", "60.0", "80.0"]
    assert rows["end return"] == ["80.0", "60.0", "70.0"]
    assert rows["step"] == ["4,000", "4,000", "5,000"] and rows["CPU of training"] == ["3m", "3m", "4m"]
    assert rows["time of training"][1:] == ["-", "-"], "which no result tells"
    assert rows["method"] == ["accelerated", "accelerated", "scratch"] and rows["seed"] == ["2", "1", "1"]
    assert "online.replay" not in rows
    found = json.loads(accel("compare", "fast-2", str(study / "results"), "--json"))
    measures = {"end_return": 70, "area": 40, "dip": None, "lowest": None, "frozen": None}
    measures |= {"cpu_training": 250, "cpu_evaluation": 50}
    assert found["slow-1"]["measures"] == measures


def test_a_run_that_is_measured_too_little_has_no_end_return(root: Path) -> None:
    rows = {
        key: cells for key, *cells in (line.split("\t") for line in accel("compare", "small", "--plain").splitlines())
    }
    assert rows["end return"] == ["-"] and rows["last return"] == ["2,005"]
    printed = accel("compare", "small")
    assert "last return" in printed and "end return" not in printed, "people are spared lines of nothing"


def test_groups_of_runs_are_compared_task_by_task_and_over_all(study: Path) -> None:
    words = ("compare", str(study / "results"), "fast-2", "slow-2", "--by", "method")
    printed = accel(*words)
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    cost = "2m (0.75) 3m 50.0 ms"
    assert f"HalfCheetah-v5 accelerated 2 70.0 [60.0 to 80.0] 55.0 - - 3,000 (1 of 2) 4,500 {cost}" in lines
    assert "HalfCheetah-v5 scratch 1 of 2 70.0 40.0 - - 5,000 7,500 4m (1.25) 5m 50.0 ms" in lines
    assert "accelerated 1 2 1.000 [0.857 to 1.143]" in lines and "scratch 1 1 1.000" in lines
    assert "Not counted in scratch on HalfCheetah-v5: slow-2 (FAILED: the loss is not finite)." in lines
    assert accel(*words) == printed, "the intervals too"
    heading, fast, _, all_fast, _ = [line.split("\t") for line in accel(*words, "--plain").splitlines()]
    assert dict(zip(heading, fast, strict=True))["end_return"] == "70.0" and fast[5:7] == ["60.0", "80.0"]
    assert all_fast[:5] == ["*", "accelerated", "2", "2", "1.0"] and len(all_fast) == len(heading)
    write_result(RunFolder(study / "fast-2"), study / "results")
    assert accel(*words) == printed, "a run beside its own result is one"
    found = json.loads(accel(*words, "--json"))
    assert [run["why_not"] for run in found["cells"][1]["runs"]] == ["", "FAILED: the loss is not finite"]
    by_two = accel(*words[:-1], "seed,method", "--by", "online.replay", "--reference", "2, accelerated, 20000")
    assert "steps to 2, accelerated, 20_000" in by_two


def test_groups_are_compared_by_the_share_of_episodes_that_succeed(study: Path) -> None:
    words = ("compare", str(study / "results"), "fast-2", "--by", "method", "--of", "success")
    printed = [" ".join(line.split()) for line in accel(*words).splitlines()]
    assert printed[0].startswith("task method runs end success mean success kept after switch")
    # 0.4 and 0.2 at the end; 0.1 is what random actions have.
    assert "HalfCheetah-v5 accelerated 2 0.300 [0.200 to 0.400]" in printed[1]
    assert "HalfCheetah-v5 scratch 1 0.300" in printed[2]
    assert any(line.startswith("accelerated 1 2 1.000 [0.500 to 1.500]") for line in printed)
    assert json.loads(accel(*words, "--json"))["of"] == "success"
    accel(*words, "--out", str(study / "out"))
    assert "| end success | mean success |" in (study / "out" / "table.md").read_text()


def test_more_runs_than_can_be_shown_at_once_can_be_grouped(study: Path) -> None:
    for seed in range(3, 11):
        trained(study, f"more-{seed}", "scratch", seed, [1, 2, 3])
    words = ("compare", "fast-2", *(f"more-{seed}" for seed in range(3, 11)))
    assert "9 runs are more than the 8" in accel(*words, code=2)
    assert "scratch  8" in " ".join(accel(*words, "--by", "method").split("   "))


def test_a_comparison_is_written_as_table_figures_and_pictures(study: Path) -> None:
    accel("compare", str(study / "results"), "--by", "method", "--out", str(study / "out" / "deep"))
    folder = study / "out" / "deep"
    names = {"1-HalfCheetah-v5-cpu.png", "1-HalfCheetah-v5-steps.png", "figures.json", "table.md"}
    assert {file.name for file in folder.iterdir()} == names
    assert "| HalfCheetah-v5 | scratch | 1 | 70.0 |" in (folder / "table.md").read_text()
    assert json.loads((folder / "figures.json").read_text())["reference"] == "accelerated"
    assert (folder / "1-HalfCheetah-v5-steps.png").read_bytes().startswith(b"\x89PNG")


def test_a_comparison_of_groups_that_cannot_be_is_said_in_a_sentence(study: Path) -> None:
    results = str(study / "results")
    assert "No group is called 'fast'" in accel("compare", results, "--by", "method", "--reference", "fast", code=2)
    assert "'methid' to group by. Did you mean method?" in accel("compare", results, "--by", "methid", code=2)
    for option in (("--out", "x"), ("--of", "success")):
        assert "say which with --by KEY" in accel("compare", results, *option, code=2)
    (study / "results" / "zz.json").write_text("{")
    for words in ((results,), (str(study / "results" / "zz.json"), "--by", "method"), ("nowhere.json",)):
        said = accel("compare", *words, code=2)
        assert "is no result of a run: " in said and len(said.splitlines()) == 1


def test_a_terminal_shows_the_curves_of_groups(study: Path) -> None:
    ours, theirs = pty.openpty()
    trained(study, "wild", "scratch", 5, [9e6] * 4, state="FAILED")
    call = [sys.executable, "-m", "acceltui", "compare", str(study / "results"), "wild", "--by", "method"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(call, stdin=subprocess.DEVNULL, stdout=theirs, env=environment) as process:
        os.close(theirs)
        data = b""
        with contextlib.suppress(OSError):  # which is how a terminal ends
            while part := os.read(ours, 1 << 16):
                data += part
    os.close(ours)
    assert process.returncode == 0
    printed = clean_lines(data.decode())
    assert "HalfCheetah-v5: return over training steps" in printed
    assert any("\u2800" < character <= "\u28ff" for character in printed)
    assert "50 \u2502" in printed and "M \u2502" not in printed, "what has failed is in no mean"
    assert "\u25cf accelerated   \u25c6 scratch" in printed
    assert "return over training steps" not in accel("compare", str(study / "results"), "--by", "method")
