"""Where a ManiSkill simulation on the processor stands, taken and put back.

PhysX does not give away all that it remembers (what touched what, where its solver began), so a simulation that is put
back goes on a little otherwise than one that was left alone, by about 1e-6; put back twice, in whatever process and
after whatever came before, it goes on alike to the bit. So `take` also puts back what it took.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acceltui.engine.envs.snapshots import is_plain
from acceltui.engine.state import State


def take(simulation: Any) -> State:
    """The state of a simulation of one environment, which then goes on as one that it was put back into."""
    main, episode = simulation._batched_main_rng.rngs[0], simulation._batched_episode_rng.rngs[0]
    noted = {name: value for name, value in vars(simulation).items() if is_noted(value)}
    state = {
        "episode_seed": int(simulation._episode_seed[0]),
        # What a task notes between steps, such as goals that were reached once, with the count of steps.
        "plain": {name: array_of(value) for name, value in noted.items()},
        "tensors": [name for name, value in noted.items() if isinstance(value, Tensor)],
        "generators": [generator_state(rng) for rng in (simulation._main_rng, main, episode)],
        "simulation": arrays_of(simulation.get_state_dict()),
    }
    put(simulation, state)
    return state


def put(simulation: Any, state: State) -> None:
    """Make a simulation of one environment go on from there."""
    # What an episode was begun with (sizes of objects, where cameras stand) follows from its seed.
    simulation.reset(seed=state["episode_seed"])
    for name, value in state["plain"].items():
        setattr(simulation, name, torch.from_numpy(value.copy()) if name in state["tensors"] else value)
    rngs = (simulation._main_rng, simulation._batched_main_rng.rngs[0], simulation._batched_episode_rng.rngs[0])
    for rng, saved in zip(rngs, state["generators"], strict=True):
        rng.set_state(("MT19937", saved["key"], saved["position"], saved["has_gauss"], saved["gauss"]))
    simulation.set_state_dict(tensors_of(state["simulation"]))


def is_noted(value: Any) -> bool:
    """Whether a simulation's attribute is a number, or an array or a tensor of them."""
    return (isinstance(value, Tensor) or is_plain(value)) and not isinstance(value, list | tuple) and value is not None


def array_of(value: Any) -> Any:
    """A copy that is no tensor."""
    if isinstance(value, Tensor):
        return value.numpy().copy()
    return value.copy() if isinstance(value, np.ndarray) else value


def generator_state(rng: np.random.RandomState) -> State:
    """Where a generator stands."""
    _, key, position, has_gauss, gauss = rng.get_state(legacy=True)
    return {"key": np.copy(key), "position": int(position), "has_gauss": int(has_gauss), "gauss": float(gauss)}


def arrays_of(tree: Any) -> Any:
    """A nested dict of tensors, as arrays."""
    return {key: arrays_of(part) for key, part in tree.items()} if isinstance(tree, dict) else array_of(tree)


def tensors_of(tree: dict[str, Any] | NDArray[Any]) -> Any:
    """The opposite."""
    if isinstance(tree, dict):
        return {key: tensors_of(part) for key, part in tree.items()}
    return torch.from_numpy(tree.copy())
