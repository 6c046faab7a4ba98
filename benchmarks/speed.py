"""How fast training is, as ratios: all loops in one process, a block of steps of each in turn, CPU time, medians.

    python benchmarks/speed.py --rounds 15 --out benchmarks/results/speed.json

One thread. Ours is the engine's whole loop (`Run.follow`, with its monitor, rows and TensorBoard files), beside the
whole loops of Stable-Baselines3 and of a plain `nn.TransformerEncoder` on stored windows, with the same networks,
batches and update ratio on HalfCheetah-v5.
"""

import argparse
import contextlib
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np
import pictures
import torch
from figures import rounded
from plain_transformer import PlainStage
from rich.console import Console
from rich.table import Table
from stable_baselines import theirs

from acceltui.engine.learners.td3 import TD3
from acceltui.engine.monitor import Live, Monitor
from acceltui.engine.record import Record
from acceltui.engine.run import Run
from acceltui.recipe.load import load_recipe
from acceltui.recipe.schema import Recipe
from acceltui.runs.outcome import processor
from acceltui.runs.paths import create_run_folder

FILLED = 1_000
"""Random steps before the first update, and before anything is timed."""
ALL_ROUND = [
    "engine.threads=1",
    "switch=null",
    f"algorithm.random_steps={FILLED}",
    "algorithm.batch_size=256",
    "critic.hidden=[256, 256, 256]",
    "critic.norm=none",
    "accelerator.hidden=[256, 256, 256]",
    "transformer.layers=1",
    "transformer.width=256",
    "transformer.feedforward=1024",
    "transformer.dropout=0",
    "accelerator.steps=100_000_000",
    "online.steps=100_000_000",
    "evaluation.every=100_000_000",
    "checkpoint.every=100_000_000",
]


def recipe(*overrides: str) -> Recipe:
    """HalfCheetah with the networks of the comparison."""
    return load_recipe(Path("recipes/halfcheetah.yaml"), [*ALL_ROUND, *overrides]).recipe


class Ours:
    """The engine's loop on a run folder of its own."""

    def __init__(self, root: Path, ends: contextlib.ExitStack, name: str, *overrides: str) -> None:
        section = recipe(*overrides)
        folder = create_run_folder(root, section.name, 1, name=name)
        monitor, record = Monitor(folder, Live(section.method), 1), Record(folder, 1, section.log.tensorboard)
        self.training = Run(section, folder, monitor, record)
        parts = self.training.parts
        for end in (parts.close, record.close, monitor.stop):
            ends.callback(end)
        self.stage = parts.scratch() if section.method == "scratch" else parts.accelerate()
        monitor.start()
        self.run(FILLED)

    def run(self, steps: int) -> None:
        """Train for some steps."""
        self.training.follow(self.stage, self.training.step + steps)


class EveryPosition:
    """Our loop with a picture for every position of every window, all encoded at once."""

    def __init__(self, loop: Ours) -> None:
        self.loop = loop
        pictures.share_nothing(loop.stage.learning.replay)

    def run(self, steps: int) -> None:
        """Train for some steps."""
        with pictures.all_at_once():
            self.loop.run(steps)


class Bare:
    """What cannot be left out: environment steps, and updates on one batch with noise drawn before."""

    def __init__(self, loop: Ours) -> None:
        learning = loop.stage.learning
        assert isinstance(learning.learner, TD3)
        rows = learning.algorithm.batch_size
        self.learner, self.draws = learning.learner, np.random.default_rng(1)
        self.batch = learning.replay.sample(rows, self.draws)
        self.noise = learning.draws.standard_normal(rows, self.learner.noise)
        self.env = gymnasium.make("HalfCheetah-v5")
        self.env.reset(seed=1)
        self.action, self.updates = self.env.action_space.sample(), 0

    def run(self, steps: int) -> None:
        """So many of both."""
        for _ in range(steps):
            if self.env.step(self.action)[3]:
                self.env.reset()
            self.learner.update_critic(self.batch, self.noise)
            self.updates += 1
            if self.updates % self.learner.delay == 0:
                self.learner.update_actor(self.batch, self.noise)


class Acting:
    """What the policy does between two environment steps."""

    def __init__(self, loop: Ours) -> None:
        self.learning = loop.stage.learning

    def run(self, steps: int) -> None:
        """So many decisions for all environments."""
        learning = self.learning
        with torch.no_grad():
            for _ in range(steps):
                noise = learning.draws.standard_normal(learning.interaction.num_envs, learning.learner.noise)
                learning.learner.explore(learning.interaction.consult(learning.learner.actor), noise)


class Cloning:
    """Cloning alone: what is counted are windows, of which an update takes 256."""

    def __init__(self, loop: Ours) -> None:
        self.cloning = loop.stage.cloning

    def run(self, windows: int) -> None:
        """So many windows."""
        for _ in range(windows // 256):
            self.cloning.learn(4)


class StableBaselines:
    """Their loop."""

    def __init__(self, kind: str) -> None:
        self.model = theirs(recipe(f"algorithm.kind={kind}"))
        self.model.learn(FILLED)

    def run(self, steps: int) -> None:
        """Train for some steps."""
        self.model.learn(steps, reset_num_timesteps=False)


Loop = Callable[[int], None]


def loops(root: Path, ends: contextlib.ExitStack) -> dict[str, tuple[Loop, str, int]]:
    """By name: what runs so many steps, its precision, and steps in a block."""

    def ours(name: str, *overrides: str) -> Ours:
        return Ours(root, ends, name, *overrides)

    alone, medium = "method=accelerator", "engine.precision=medium"
    cloning = ("clone.updates_per_step=0.25", "clone.batch_size=256")
    online = {length: ("method=scratch", f"transformer.context={length}") for length in (3, 5, 10)}
    camera = (f"env.id={pictures.of_side(64)}", "encoder.features=64", "encoder.augment=shift")
    inductor = "engine.compile=inductor"
    td3, long = ours("td3", alone), ours("stage2-10", *online[10])
    cloned = ours("cloning", "transformer.context=10", *cloning)
    plain = {length: PlainStage(recipe(*online[length])) for length in (3, 10)}
    for stage in plain.values():
        stage.run(FILLED)
    return {
        "TD3": (td3.run, "highest", 40),
        "TD3, medium": (ours("td3-medium", alone, medium).run, "medium", 40),
        "TD3, bare": (Bare(td3).run, "highest", 40),
        "TD3, Stable-Baselines3": (StableBaselines("td3").run, "highest", 40),
        "SAC": (ours("sac", alone, "algorithm.kind=sac").run, "highest", 40),
        "SAC, Stable-Baselines3": (StableBaselines("sac").run, "highest", 40),
        "TD3 and cloning": (cloned.run, "highest", 40),
        "TD3 and cloning, medium": (
            ours("cloning-medium", "transformer.context=10", medium, *cloning).run,
            "medium",
            40,
        ),
        "cloning, a window": (Cloning(cloned).run, "highest", 2_560),
        "stage 2, context 10": (long.run, "highest", 16),
        "stage 2, context 10, medium": (ours("stage2-10-medium", medium, *online[10]).run, "medium", 16),
        "stage 2, context 10, plain": (plain[10].run, "highest", 8),
        "stage 2, context 3": (ours("stage2-3", *online[3]).run, "highest", 16),
        "stage 2, context 3, plain": (plain[3].run, "highest", 8),
        "stage 2, camera, every position": (
            EveryPosition(ours("every", *online[5], *camera)).run,
            "highest",
            2,
        ),
        "stage 2, camera": (ours("camera", *online[5], *camera).run, "highest", 2),
        "stage 2, camera, segment 8": (ours("runs", *online[5], *camera, "algorithm.segment=8").run, "highest", 2),
        "TD3, Inductor": (ours("td3-inductor", alone, inductor).run, "highest", 40),
        "stage 2, context 10, Inductor": (ours("stage2-inductor", *online[10], inductor).run, "highest", 16),
        "acting, 1 environment": (Acting(long).run, "highest", 100),
        "acting, 16 environments": (Acting(ours("acting-16", *online[10], "env.num_envs=16")).run, "highest", 100),
    }


RATIOS = {
    "TD3, Stable-Baselines3 / ours": ("TD3, Stable-Baselines3", "TD3"),
    "TD3, Stable-Baselines3 / ours at medium": ("TD3, Stable-Baselines3", "TD3, medium"),
    "SAC, Stable-Baselines3 / ours": ("SAC, Stable-Baselines3", "SAC"),
    "TD3 of Stable-Baselines3 / ours with cloning": ("TD3, Stable-Baselines3", "TD3 and cloning"),
    "TD3 of Stable-Baselines3 / ours with cloning at medium": ("TD3, Stable-Baselines3", "TD3 and cloning, medium"),
    "stage 2, context 10, plain / ours": ("stage 2, context 10, plain", "stage 2, context 10"),
    "stage 2, context 10, plain / ours at medium": ("stage 2, context 10, plain", "stage 2, context 10, medium"),
    "stage 2, context 3, plain / ours": ("stage 2, context 3, plain", "stage 2, context 3"),
    "stage 2, camera, every position / ours": ("stage 2, camera, every position", "stage 2, camera"),
    "stage 2, camera, every position / ours, segment 8": (
        "stage 2, camera, every position",
        "stage 2, camera, segment 8",
    ),
    "TD3 / with Inductor": ("TD3", "TD3, Inductor"),
    "stage 2, context 10 / with Inductor": ("stage 2, context 10", "stage 2, context 10, Inductor"),
    "acting / a step of stage 2, context 10": ("acting, 1 environment", "stage 2, context 10"),
    "the engine's loop / bare environment and update": ("TD3", "TD3, bare"),
}
"""What is divided by what, round by round."""


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as root, contextlib.ExitStack() as ends:
        every = loops(Path(root), ends)
        spent: dict[str, list[float]] = {name: [] for name in every}
        for number in range(options.rounds + 1):
            for name, (run, precision, steps) in every.items():
                torch.set_float32_matmul_precision(precision)
                began = time.process_time()
                run(steps)
                if number:  # the first round warms up
                    spent[name].append(1e3 * (time.process_time() - began) / steps)
    milliseconds = {name: statistics.median(values) for name, values in spent.items()}
    ratios = {
        name: statistics.median(a / b for a, b in zip(spent[above], spent[below], strict=True))
        for name, (above, below) in RATIOS.items()
    }
    per_second = {name: 1e3 / value for name, value in milliseconds.items()}
    show(milliseconds, per_second, ratios)
    if options.out:
        found = {"machine": machine(), "rounds": options.rounds, "ms_per_step": milliseconds, "ratios": ratios}
        options.out.write_text(json.dumps(rounded(found), indent=2) + "\n")


def show(milliseconds: dict[str, float], per_second: dict[str, float], ratios: dict[str, float]) -> None:
    """Two tables."""
    console = Console()
    table = Table("", "CPU ms a step", "steps a second")
    for name, value in milliseconds.items():
        table.add_row(name, f"{value:.3f}", f"{per_second[name]:,.0f}")
    console.print(table)
    table = Table("", "ratio")
    for name, value in ratios.items():
        table.add_row(name, f"{value:.3f}")
    console.print(table)


def machine() -> dict[str, str]:
    """What it was measured on."""
    return {"processor": processor(), "python": platform.python_version(), "torch": torch.__version__}


if __name__ == "__main__":
    main()
