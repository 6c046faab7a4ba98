"""Environments whose state can be taken and put back, so that a resumed run goes on in mid-episode.

MuJoCo, classic control and this project's own tasks can; so can any environment, under Gymnasium's usual wrappers, with
methods `snapshot()`, which gives nested dicts and lists of arrays and plain values, and `restore(snapshot)`.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, RescaleAction, TimeLimit

from acceltui.engine.envs.partial import PartialObservation
from acceltui.engine.state import State, generator_state, new_generator

OWN = ("acceltui.engine.envs.memory", "acceltui.engine.envs.shapes")
FAMILIES = ("gymnasium.envs.classic_control.", "gymnasium.envs.mujoco.", *OWN)
"""Modules of environments whose state is their plain attributes, their generator, and MuJoCo's arrays."""
DERIVED = ("efc_", "iefc_", "iM_", "island_", "iacc", "ifrc_", "map", "contact")
"""Arrays of MuJoCo's whose size changes from step to step, or that name parts of the model: computed anew."""


class Snapshots(gymnasium.Wrapper):
    """The outermost wrapper of an environment; what vector environments ask."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.pending: State | None = None
        """What `restore_pending` is to put back: a vector environment sets attributes one by one."""

    def snapshot(self) -> State | None:
        """The state of all layers; None where one of them cannot give its own."""
        layers = []
        layer: gymnasium.Env = self.env
        while isinstance(layer, gymnasium.Wrapper):
            state = of_wrapper(layer)
            if state is None:
                return None
            layers.append(state)
            layer = layer.env
        base = of_base(layer)
        return None if base is None else {"wrappers": layers, "base": base}

    def restore_pending(self) -> None:
        """Put `pending` back; the environment has been reset once."""
        state, self.pending = self.pending, None
        assert state is not None
        layer: gymnasium.Env = self.env
        for part in state["wrappers"]:
            assert isinstance(layer, gymnasium.Wrapper)
            restore_wrapper(layer, part)
            layer = layer.env
        restore_base(layer, state["base"])


def of_wrapper(layer: gymnasium.Wrapper) -> State | None:
    """What a wrapper remembers; None for one that is not known here."""
    match layer:
        case TimeLimit():
            return {"elapsed": layer._elapsed_steps}
        case PartialObservation():
            return {"seen": layer.seen, "generator": generator_state(layer.generator)}
        case OrderEnforcing() | PassiveEnvChecker() | RescaleAction():
            return {}
    return None


def restore_wrapper(layer: gymnasium.Wrapper, state: State) -> None:
    """The opposite."""
    match layer:
        case TimeLimit():
            layer._elapsed_steps = state["elapsed"]
        case PartialObservation():
            layer.seen, layer.generator = state["seen"], new_generator(state["generator"])


def of_base(env: gymnasium.Env) -> State | None:
    """The state of an environment itself; None for one that has no way to tell."""
    if hasattr(env, "snapshot") and hasattr(env, "restore"):
        return {"own": env.snapshot()}
    if not type(env).__module__.startswith(FAMILIES):
        return None
    generator = getattr(env, "_np_random", None)
    plain = {name: value for name, value in vars(env).items() if is_plain(value)}
    return {
        "plain": plain,
        "tuples": [name for name, value in plain.items() if isinstance(value, tuple)],
        "generator": None if generator is None else generator_state(generator),
        "mujoco": {name: array.copy() for name, array in mujoco_arrays(env).items()},
        "time": float(env.data.time) if mujoco_arrays(env) else 0.0,  # type: ignore[attr-defined]
    }


def restore_base(env: gymnasium.Env, state: State) -> None:
    """The opposite."""
    if "own" in state:
        env.restore(state["own"])  # type: ignore[attr-defined]
        return
    for name, value in state["plain"].items():
        setattr(env, name, tuple(value) if name in state["tuples"] else value)
    if state["generator"] is not None:
        env._np_random = new_generator(state["generator"])
    arrays = mujoco_arrays(env)
    for name, values in state["mujoco"].items():
        np.copyto(arrays[name], values)
    if arrays:
        env.data.time = state["time"]  # type: ignore[attr-defined]


def is_plain(value: Any) -> bool:
    """Whether a value is a number, nothing, an array of numbers, or a sequence of numbers."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biuf"
    if isinstance(value, list | tuple):
        return all(isinstance(part, bool | int | float | np.number) for part in value)
    return value is None or isinstance(value, bool | int | float | np.number)


def mujoco_arrays(env: gymnasium.Env) -> dict[str, np.ndarray]:
    """The arrays of MuJoCo's state, themselves; none where there is no simulation."""
    data = getattr(env, "data", None)
    if data is None or type(data).__module__.partition(".")[0] != "mujoco":
        return {}
    names = (name for name in dir(data) if not name.startswith(("_", *DERIVED)))
    found = {name: getattr(data, name) for name in names}
    return {name: value for name, value in found.items() if isinstance(value, np.ndarray) and value.flags.writeable}
