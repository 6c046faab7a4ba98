"""The same task, networks and numbers with our learners and with those of Stable-Baselines3: returns and CPU seconds.

    python benchmarks/stable_baselines.py --seeds 1 2 3 --out benchmarks/results/stable_baselines.jsonl

One thread. Both sides take the same numbers from the resolved recipe and are evaluated from the same starts.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gymnasium
import numpy as np
import stable_baselines3
import torch
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from acceltui.engine.build import Parts
from acceltui.engine.interaction import deterministic, run_episodes
from acceltui.recipe.load import load_recipe
from acceltui.recipe.schema import Recipe

EPISODES, STARTS = 10, 10_000
"""Of an evaluation, and the seed of its first start."""


def main() -> None:
    """Run all pairs; a line of the output file is {"library", "algorithm", "seed", "step", "return", "cpu_s"}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=Path("recipes/halfcheetah.yaml"))
    parser.add_argument("--algorithms", nargs="+", default=["td3", "sac"])
    parser.add_argument("--libraries", nargs="+", default=list(LIBRARIES), choices=LIBRARIES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=30_000)
    parser.add_argument("--every", type=int, default=10_000)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for seed in options.seeds:
        for algorithm in options.algorithms:
            budget = ["method=accelerator", "switch=null", f"accelerator.steps={options.steps}", "engine.threads=1"]
            standard = ["critic.norm=none", "algorithm.random_steps=5_000"]  # as Stable-Baselines3 has it
            chosen = [f"seed={seed}", f"algorithm.kind={algorithm}", *standard, *budget]
            for library in options.libraries:
                train, more = LIBRARIES[library]
                for row in train(load_recipe(options.recipe, [*chosen, *more]).recipe, options.every):
                    with options.out.open("a") as file:
                        print(json.dumps({"library": library, "algorithm": algorithm, "seed": seed, **row}), file=file)


def train_ours(recipe: Recipe, every: int):
    """Stage accelerate alone; yields a row at each evaluation."""
    parts = Parts(recipe)
    stage, evaluation, spent = parts.accelerate(), parts.evaluating(EPISODES), 0.0
    for step in range(0, recipe.accelerator.steps, every):
        began = time.process_time()
        for now in range(step, step + every):
            stage.advance(now)
        spent += time.process_time() - began
        returns = run_episodes(evaluation, deterministic(parts.accelerator), EPISODES, STARTS).returns
        yield {"step": step + every, "return": round(float(returns.mean()), 1), "cpu_s": round(spent, 1)}


def train_theirs(recipe: Recipe, every: int):
    """The same with Stable-Baselines3."""
    model, environment, spent = theirs(recipe), gymnasium.make(recipe.env.id), 0.0
    for step in range(0, recipe.accelerator.steps, every):
        began = time.process_time()
        model.learn(every, reset_num_timesteps=step == 0)
        spent += time.process_time() - began
        returns = [episode(model, environment, STARTS + number) for number in range(EPISODES)]
        yield {"step": step + every, "return": round(float(np.mean(returns)), 1), "cpu_s": round(spent, 1)}


def theirs(recipe: Recipe) -> OffPolicyAlgorithm:
    """Their learner with the numbers of our recipe."""
    section, environment = recipe.algorithm, gymnasium.make(recipe.env.id)
    actions = environment.action_space.shape[0]
    kind, own = stable_baselines3.SAC, {}
    if section.kind == "td3":
        kind = stable_baselines3.TD3
        own = {"policy_delay": section.policy_delay, "target_policy_noise": section.target_noise.std}
        own["target_noise_clip"] = section.target_noise.clip
        own["action_noise"] = NormalActionNoise(np.zeros(actions), np.full(actions, section.exploration_noise))
    return kind(
        "MlpPolicy",
        environment,
        learning_rate=section.learning_rate,
        buffer_size=recipe.accelerator.replay,
        learning_starts=section.random_steps,
        batch_size=section.batch_size,
        tau=section.tau,
        gamma=section.discount,
        train_freq=1,
        policy_kwargs={"net_arch": {"pi": recipe.accelerator.hidden, "qf": recipe.critic.hidden}},
        seed=recipe.seed,
        device="cpu",
        **own,
    )


def episode(model: OffPolicyAlgorithm, environment: gymnasium.Env, seed: int) -> float:
    """The return of the deterministic policy from one start."""
    observation, _ = environment.reset(seed=seed)
    total, over = 0.0, False
    while not over:
        action, _ = model.predict(observation, deterministic=True)
        observation, reward, terminated, truncated, _ = environment.step(action)
        total, over = total + float(reward), terminated or truncated
    return total


LIBRARIES: dict[str, tuple[Callable[[Recipe, int], Iterator[dict[str, float]]], list[str]]] = {
    "accel": (train_ours, []),
    "accel, medium": (train_ours, ["engine.precision=medium"]),
    "stable-baselines3": (train_theirs, []),
}
"""How each trains, and what its recipe changes."""


if __name__ == "__main__":
    main()
