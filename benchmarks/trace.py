"""What updates compute, written down: run it before and after a change that is to make them faster, and compare.

python benchmarks/trace.py --out before.json      # in the older tree
python benchmarks/trace.py --out after.json
python benchmarks/trace.py --compare before.json after.json
"""

import argparse
import json
from pathlib import Path

import torch

from acceltui.engine.build import Parts
from acceltui.recipe.load import load_recipe

SETTINGS = {
    "td3, mlp, gpt": ("pendulum_quick", ["transformer.layers=2"]),
    "td3, lstm, gpt": ("memory_quick", ["transformer.layers=2"]),
    "sac, mlp, gpt": ("pendulum_quick", ["algorithm.kind=sac", "clone.loss=divergence"]),
}
ALL_ROUND = ["algorithm.random_steps=200", "algorithm.batch_size=64", "online.clone_fade=20", "engine.threads=1"]
STEPS, ONLINE = 230, 20
"""Of stage accelerate, of which the first 200 are random, and of stage online."""


def trace(name: str, overrides: list[str]) -> list[dict[str, float]]:
    """Losses after each step that updates, and the sum of the absolute values of each network's parameters."""
    parts = Parts(load_recipe(Path(f"recipes/{name}.yaml"), [*ALL_ROUND, *overrides]).recipe)
    stage, rows = parts.accelerate(), []
    for step in range(STEPS):
        stage.advance(step)
        if step >= STEPS - 30:
            assert stage.cloning is not None
            rows.append(stage.learning.meter.take() | stage.cloning.meter.take() | sizes(parts))
    online = parts.switch(stage, STEPS)
    for step in range(STEPS, STEPS + ONLINE):
        online.advance(step)
        rows.append(online.learning.meter.take() | sizes(parts))
    parts.close()
    return rows


def sizes(parts: Parts) -> dict[str, float]:
    """By network."""
    with torch.no_grad():
        return {
            f"size/{name}": float(sum(part.double().abs().sum() for part in network.parameters()))
            for name, network in parts.networks.items()
        }


def compare(before: Path, after: Path) -> None:
    """Print the largest relative difference of each setting: in the first rows, and in all."""
    one, other = json.loads(before.read_text()), json.loads(after.read_text())
    for name, rows in one.items():
        apart = [
            max(abs(row[key] - then[key]) / max(abs(row[key]), 1e-3) for key in row)
            for row, then in zip(rows, other[name], strict=True)
        ]
        print(f"{name:20s} after 1 step {apart[0]:.1e}, 10 {max(apart[:10]):.1e}, all {len(apart)} {max(apart):.1e}")


def main() -> None:
    """Write or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--compare", type=Path, nargs=2)
    options = parser.parse_args()
    if options.compare:
        compare(*options.compare)
    else:
        options.out.write_text(json.dumps({name: trace(*setting) for name, setting in SETTINGS.items()}, indent=1))


if __name__ == "__main__":
    main()
