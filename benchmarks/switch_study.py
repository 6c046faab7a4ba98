"""What to do at the switch: stage 1 paid once a seed, then one stage 2 for each choice, from the same state.

    python benchmarks/switch_study.py recipes/halfcheetah.yaml --seeds 1 2 --out benchmarks/results/switch.jsonl

Each choice runs in a fork of the process that went through stage 1, so that environments, replay, networks and
generators are the same to the bit. One thread; the result file grows by a line a measurement.
"""

import argparse
import json
import os
from pathlib import Path

from acceltui.engine.build import Parts
from acceltui.engine.interaction import deterministic, run_episodes
from acceltui.recipe.load import load_recipe

CHOICES = {
    "empty replay": {"seed_replay": 0, "critic_warmup": 0, "clone_fade": 0},
    "seeded": {"seed_replay": 20_000, "critic_warmup": 0, "clone_fade": 0},
    "seeded, warm-up 2k": {"seed_replay": 20_000, "critic_warmup": 2_000, "clone_fade": 0},
    "seeded, fade 10k": {"seed_replay": 20_000, "critic_warmup": 0, "clone_fade": 10_000},
    "seeded, warm-up 2k, fade 10k": {"seed_replay": 20_000, "critic_warmup": 2_000, "clone_fade": 10_000},
}


def main() -> None:
    """Run the study; every line of the output file is {"seed", "choice", "step", "return", ...}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--switch", type=int, default=30_000)
    parser.add_argument("--online", type=int, default=10_000)
    parser.add_argument("--every", type=int, default=2_500)
    parser.add_argument("--episodes", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    for seed in options.seeds:
        study(seed, options)


def study(seed: int, options: argparse.Namespace) -> None:
    """Stage 1 once, then every choice."""

    def write(**row: object) -> None:
        with options.out.open("a") as file:
            file.write(json.dumps({"seed": seed, **row}) + "\n")

    budgets = [f"accelerator.steps={options.switch}", f"online.steps={options.online}"]
    rest = ["engine.threads=1", "switch=null", "online.critic_warmup=0", "online.clone_fade=0"]
    recipe = load_recipe(options.recipe, [f"seed={seed}", *budgets, *rest]).recipe
    parts = Parts(recipe)
    evaluation = parts.evaluating(options.episodes)

    def measure(actor: object) -> float:
        return float(run_episodes(evaluation, deterministic(actor), options.episodes, 10_000).returns.mean())

    stage = parts.accelerate()
    for step in range(options.switch):
        stage.advance(step)
        if (step + 1) % 5_000 == 0:
            row = {"accelerator": measure(parts.accelerator), "return": measure(parts.transformer)}
            write(choice="stage 1", step=step + 1, **row)

    for choice, keys in CHOICES.items():
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        parts.recipe = recipe.model_copy(update={"online": recipe.online.model_copy(update=keys)})
        online = parts.switch(stage, options.switch)
        for step in range(options.switch, options.switch + options.online):
            online.advance(step)
            if (step + 1) % options.every == 0:
                write(choice=choice, step=step + 1, **{"return": measure(parts.transformer)})
        os._exit(0)


if __name__ == "__main__":
    main()
