"""Shell completion, asked for as shells do: commands, runs, recipes, keys; quick, and without what is heavy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from acceltui.recipe.library import shipped_recipes
from acceltui.runs.paths import create_run_folder

HEAVY = {"torch", "numpy", "textual", "gymnasium", "mujoco"}


def complete(folder: Path, line: str, shell: str = "bash") -> list[str]:
    """What `accel` offers for the last word of a line."""
    words = line.split(" ")
    asked = {
        "bash": {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    code = (
        "import sys, contextlib\nfrom acceltui.cli import main\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    environment = {**os.environ, "_ACCEL_COMPLETE": f"complete_{shell}", **asked}
    call = [sys.executable, "-c", code]
    done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(done.stderr.split())
    return done.stdout.split()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ACCEL_RUNS", raising=False)
    for name in ("cheetah-1", "cheetah-2", "hopper"):
        create_run_folder(tmp_path / "runs", "recipe", 1, name=name)
    (tmp_path / "runs" / "cheap.sweep").mkdir()
    (tmp_path / "runs" / "cheap.sweep" / "manifest.json").write_text("{}")
    create_run_folder(tmp_path / "elsewhere", "recipe", 1, name="far")
    (tmp_path / "mine").mkdir()
    for name in ("pend.yaml", "pend.txt", "pend $(touch x).yaml", "mine/own.yml", "mine/other.yaml"):
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("accel st", ["status", "stop"]),
        ("accel recipes s", ["show"]),
        ("accel status --wa", ["--watch"]),
        ("accel status ch", ["cheetah-1", "cheetah-2"]),
        ("accel status x", []),
        ("accel status --runs-dir elsewhere ", ["far"]),
        ("accel switch hop", ["hopper"]),
        ("accel serve hop", ["hopper"]),
        ("accel fork hop", ["hopper"]),
        ("accel metrics hop", ["hopper"]),
        ("accel sweeps ch", ["cheap"]),
        ("accel sweep pendulum_quick online.re", ["online.replay="]),
        ("accel rm cheetah-1 hop", ["hopper"]),
        ("accel run pend", ["pendulum_quick", "pend.yaml"]),
        ("accel validate mine/o", ["mine/other.yaml", "mine/own.yml"]),
        ("accel plan nowhere/", []),
        ("accel recipes show pendu", ["pendulum_quick"]),
        ("accel run pendulum_quick online.re", ["online.replay="]),
        ("accel fork hopper checkpoint.", ["checkpoint.every=", "checkpoint.keep=", "checkpoint.replay="]),
        ("accel run pendulum_quick seed=", []),
    ],
)
def test_a_word_is_completed(folder: Path, line: str, offered: list[str]) -> None:
    assert set(complete(folder, line)) == set(offered)


def test_all_runs_of_many_newest_first(folder: Path) -> None:
    names = [f"run-{number:03}" for number in range(500)]
    for age, name in enumerate(names):
        made = create_run_folder(folder / "many", "recipe", 1, name=name)
        os.utime(made.lock, (2e9 - age, 2e9 - age))
    assert complete(folder, "accel attach --runs-dir many run-") == names


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_answered_too(folder: Path, shell: str) -> None:
    offered = "\n".join(complete(folder, "accel status che", shell))
    assert "cheetah-1" in offered and "cheetah-2" in offered and "hopper" not in offered
    assert not {recipe.name for recipe in shipped_recipes()} - set(
        "\n".join(complete(folder, "accel recipes copy ", shell)).replace('"', " ").split()
    )


def test_bash_completes_by_what_accel_prints_for_it(folder: Path, tmp_path: Path) -> None:
    """The script of `--show-completion`, in a bash that asks for a word as if Tab was pressed."""
    (tmp_path / "bin").mkdir()
    accel = tmp_path / "bin" / "accel"
    accel.write_text(f'#!/bin/sh\nexec {sys.executable} -m acceltui "$@"\n')
    accel.chmod(0o755)
    script = f"""
        PATH={tmp_path / "bin"}:$PATH
        source <(_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION=1 accel --show-completion bash)
        COMP_WORDS=(accel stop hop) COMP_CWORD=2
        _accel_completion accel
        echo "${{COMPREPLY[@]}}"
        complete -p accel
    """
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["hopper", "complete -o default -F _accel_completion accel"], done.stderr
