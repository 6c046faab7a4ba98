"""How the cost of training grows, one size at a time, beside what the arithmetic says on paper.

    python benchmarks/scaling.py --out benchmarks/results/scaling.json --plot docs/scaling.png

Stage 2 with TD3, one thread, CPU ms a step (an environment step and an update of 256 windows), medians of rounds in
which every point has its turn. On paper: multiplications of an update, from the sizes alone.
"""

import argparse
import contextlib
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import pictures
import torch
from figures import rounded
from matplotlib import pyplot
from rich.console import Console
from rich.table import Table
from speed import Ours, machine

BASE: dict[str, Any] = {
    "transformer.context": 10,
    "transformer.width": 128,
    "transformer.layers": 1,
    "env.num_envs": 1,
    "online.replay": 20_000,
}
AXES: dict[str, list[int]] = {
    "transformer.context": [1, 4, 16, 64, 256],
    "transformer.width": [64, 128, 256, 512],
    "transformer.layers": [1, 2, 4],
    "env.num_envs": [1, 4, 16],
    "online.replay": [2_000, 20_000, 200_000],
}
PICTURES = [32, 64, 128]
"""Pixels a side; context 4."""
OBSERVED, ACTION, CRITIC, BATCH = 17, 6, 256, 256
STEPS = 4


def sizes(axis: str, value: int) -> dict[str, int]:
    """A point of the sweep: the base with one size changed."""
    return BASE | {axis: value}


def multiplications(point: dict[str, int]) -> float:
    """Of an update of TD3, on average: the actor learns in every second, its target is asked in each."""
    context, width, layers = (point[f"transformer.{name}"] for name in ("context", "width", "layers"))
    feedforward, heads = 2 * width, 4
    full = context * (4 * width**2 + 2 * context * width + 2 * width * feedforward)
    last = 4 * width**2 + 2 * context * heads * width + 2 * width * feedforward
    actor = context * OBSERVED * width + (layers - 1) * full + last
    first, hidden = (OBSERVED + ACTION) * CRITIC, CRITIC**2 + CRITIC
    critic = first + hidden
    # A backward pass is two forward ones; a critic's inputs need no gradient but for the actor's sake.
    return BATCH * (actor * (1 + 3 / 2) + 2 * (critic * 2 + first + 2 * hidden) + 2 * critic / 2)


def loop(root: Path, ends: contextlib.ExitStack, name: str, point: dict[str, Any], *more: str) -> Ours:
    """The engine at a point of the sweep."""
    overrides = [f"{key}={value}" for key, value in point.items()]
    width = point["transformer.width"]
    small = ["critic.hidden=[256, 256]", f"transformer.feedforward={2 * width}"]
    return Ours(root, ends, name.replace(" ", "-"), "method=scratch", *overrides, *small, *more)


def main() -> None:
    """Measure, print, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--only", choices=AXES, help="one size alone, without a plot")
    options = parser.parse_args()
    if options.only and options.plot:
        parser.error("--plot shows all sizes: leave --only out")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as root, contextlib.ExitStack() as ends:
        runs = {}
        for axis, values in AXES.items() if options.only is None else [(options.only, AXES[options.only])]:
            for value in values:
                point = sizes(axis, value)
                runs[axis, value] = loop(Path(root), ends, f"{axis} {value}", point), multiplications(point)
        for side in PICTURES if options.only is None else ():
            point = sizes("transformer.context", 4)
            camera = [f"env.id={pictures.of_side(side)}", "encoder.features=64"]
            runs["picture", side] = loop(Path(root), ends, f"picture {side}", point, *camera), float("nan")
        spent: dict[tuple[str, int], list[float]] = {key: [] for key in runs}
        for number in range(options.rounds + 1):
            for key, (run, _) in runs.items():
                envs = run.training.recipe.env.num_envs
                began = time.process_time()
                run.run(STEPS * envs)
                if number:  # the first round warms up
                    spent[key].append(1e3 * (time.process_time() - began) / (STEPS * envs))
    found = {key: (statistics.median(values), runs[key][1] / 1e6) for key, values in spent.items()}
    show(found)
    if options.out:
        rows = [
            {"axis": axis, "value": value, "ms": ms, "million_multiplications": None if paper != paper else paper}
            for (axis, value), (ms, paper) in found.items()
        ]
        options.out.write_text(json.dumps(rounded({"machine": machine(), "rows": rows}), indent=2) + "\n")
    if options.plot:
        draw(found, options.plot)


def show(found: dict[tuple[str, int], tuple[float, float]]) -> None:
    """A table."""
    table = Table("", "size", "CPU ms a step", "million multiplications")
    for (axis, value), (milliseconds, paper) in found.items():
        table.add_row(axis, f"{value:,}", f"{milliseconds:.1f}", "" if paper != paper else f"{paper:,.0f}")
    Console().print(table)


def draw(found: dict[tuple[str, int], tuple[float, float]], path: Path) -> None:
    """Cost against each size, both axes logarithmic, and the paper's growth from the smallest size of each."""
    axes = list(dict.fromkeys(axis for axis, _ in found))
    figure, places = pyplot.subplots(2, 3, figsize=(11, 6), layout="constrained")
    for axis, place in zip(axes, places.flat, strict=True):
        values = [value for name, value in found if name == axis]
        measured = [found[axis, value][0] for value in values]
        paper = [found[axis, value][1] for value in values]
        place.loglog(values, measured, "o-", label="measured")
        if paper[0] == paper[0]:
            place.loglog(values, [measured[-1] * each / paper[-1] for each in paper], "--", label="multiplications")
        place.set_xticks(values, [f"{value:,}" for value in values])
        place.minorticks_off()
        place.set_title(axis if axis != "picture" else "picture, pixels a side")
        place.set_ylabel("CPU ms a step")
        place.set_ylim(bottom=min(measured) / 2, top=max(measured) * 2)
        place.grid(alpha=0.3)
    places.flat[0].legend()
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
