"""The smallest recipe that goes through every part of the engine, and changes to it."""

from typing import Any

from acceltui.engine.envs.base import Spaces
from acceltui.recipe.schema import Recipe

SMALL: dict[str, Any] = {
    "version": 1,
    "name": "small",
    "seed": 3,
    "engine": {"device": "cpu", "threads": 1},
    "env": {"id": "Pendulum-v1", "episode_steps": 20},
    "algorithm": {"batch_size": 16, "learning_rate": 1e-3, "random_steps": 40},
    "critic": {"context": 2, "hidden": [16, 16]},
    "accelerator": {"kind": "mlp", "context": 1, "hidden": [16, 16], "replay": 400, "steps": 120},
    "transformer": {"context": 3, "layers": 1, "heads": 2, "width": 8, "feedforward": 16},
    "clone": {"newest": 200, "batch_size": 16},
    "online": {"replay": 100, "steps": 80, "seed_replay": 60, "critic_warmup": 20, "clone_fade": 40},
    "evaluation": {"every": 40, "episodes": 2, "num_envs": 2},
    "checkpoint": {"every": 60, "keep": 2},
    "log": {"every": 20, "tensorboard": False},
}
"""Keys at a depth are replaced by `small`; those it does not name keep these values."""


def small(**changes: Any) -> Recipe:
    """The small recipe with sections changed key by key: `small(online={"steps": 5}, seed=4)`."""
    document = {
        key: value | changes[key] if isinstance(value, dict) and key in changes else changes.get(key, value)
        for key, value in SMALL.items()
    }
    return Recipe.model_validate(document | {key: changes[key] for key in changes.keys() - SMALL.keys()})


def plain_spaces(state: int, action: int, image: tuple[int, int, int] | None = None) -> Spaces:
    """What an environment without names shows and takes; it hides nothing."""
    bounds = [-1.0] * action, [1.0] * action
    return Spaces(state, state, image, action, discrete=False, low=bounds[0], high=bounds[1], episode_steps=None)
