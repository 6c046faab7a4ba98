"""ManiSkill's simulations: a task found, checked and made, and its observations told apart.

Imports of mani_skill stand inside functions: it takes seconds, and only a recipe that asks for it should wait.
"""

import contextlib
import difflib
import importlib
import inspect
import logging
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import torch
from gymnasium.spaces import Box
from torch import Tensor

from acceltui.engine.errors import SetupError
from acceltui.engine.windows import Observations
from acceltui.recipe.schema import ManiSkillEnv

CPU = torch.device("cpu")
OBSERVATION_MODES = {"state": "state", "rgb": "rgb", "rgb+state": "rgb"}
"""ManiSkill's `rgb` carries, beside the pictures, what the robot knows of itself and of its goal; its own `rgb+state`
adds where the objects are."""


def require_maniskill() -> None:
    """Raise SetupError where mani_skill is not installed."""
    if find_spec("mani_skill") is None:
        hint = "`make setup`, or `pip install 'acceltui[maniskill]'`"
        raise SetupError("environment", "env.kind", "ManiSkill is not installed here", hint)


def make_simulation(
    section: ManiSkillEnv, num_envs: int = 1, device: torch.device = CPU, render_mode: str | None = None
) -> Any:
    """ManiSkill's own environment: `num_envs` at once on a GPU, one on the processor. It has no time limit of its own.

    Raises SetupError where the recipe asks for what the task has not.
    """
    with quiet():
        task = find_task(section.id)
        require_files(section.id, task)
        if section.reward not in task.cls.SUPPORTED_REWARD_MODES:
            message = f"{section.id} has no reward {section.reward!r}"
            raise SetupError("environment", "env.reward", message, one_of(task.cls.SUPPORTED_REWARD_MODES))
        height, width = section.camera
        options = {
            **task.default_kwargs,
            "num_envs": num_envs,
            "obs_mode": OBSERVATION_MODES[section.observation],
            "reward_mode": section.reward,
            "sensor_configs": {"height": height, "width": width},
            "render_mode": render_mode,
            **where(device),
        }
        simulation = construct(section, task, options)
    actions = simulation.single_action_space
    if not (isinstance(actions, Box) and len(actions.shape) == 1):
        raise SetupError("environment", "env.id", f"{section.id} has actions {actions}, not a flat Box")
    if not (abs(actions.low) < 1e6).all() or not (abs(actions.high) < 1e6).all():
        message = f"{section.control} of {section.id} takes unbounded actions, which cannot be rescaled"
        raise SetupError("environment", "env.control", message, one_of(simulation.agent.supported_control_modes))
    return simulation


def where(device: torch.device) -> dict[str, Any]:
    """Options of a simulation on the processor or a GPU.

    With `enhanced_determinism` a seed fixes all later episodes as well; without, they follow torch's global generator,
    which begins alike in each process. On a GPU it would begin alike every episode that does not end with the first
    environment's.
    """
    if device.type == "cpu":
        return {"sim_backend": "physx_cpu", "enhanced_determinism": True}
    number = device.index or 0
    return {"sim_backend": f"physx_cuda:{number}", "render_backend": f"sapien_cuda:{number}"}


def construct(section: ManiSkillEnv, task: Any, options: dict[str, Any]) -> Any:
    """Make the simulation; what ManiSkill says of a wrong choice becomes SetupError."""
    try:
        return task.cls(**options, control_mode=section.control)
    except AssertionError:
        modes = task.cls(**options).agent.supported_control_modes
        if section.control in modes:
            raise
        message = f"{section.id} has no control {section.control!r}"
        raise SetupError("environment", "env.control", message, one_of(modes, section.control)) from None
    except NotImplementedError as error:
        message = f"{section.id} cannot be observed as {section.observation!r}: {error}"
        raise SetupError("environment", "env.observation", message) from error


def find_task(name: str) -> Any:
    """ManiSkill's entry of a task (its class, time limit, files), `module:Task-v1` importing what defines it."""
    require_maniskill()
    with quiet():
        import mani_skill.envs  # noqa: F401 (registers the tasks)
        from mani_skill.utils.registration import REGISTERED_ENVS

        module, colon, task = name.rpartition(":")
        if colon:
            try:
                importlib.import_module(module)
            except ImportError as error:
                raise SetupError("environment", "env.id", f"{name} cannot be imported: {error}") from error
    if task not in REGISTERED_ENVS:
        nearest = difflib.get_close_matches(task, REGISTERED_ENVS, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else "https://maniskill.readthedocs.io lists the tasks"
        raise SetupError("environment", "env.id", f"ManiSkill has no task {name!r}", hint)
    return REGISTERED_ENVS[task]


def require_files(name: str, task: Any) -> None:
    """Raise SetupError where files of the task or its robot have yet to be downloaded.

    ManiSkill would ask on the terminal whether to do so.
    """
    from mani_skill.agents import REGISTERED_AGENTS
    from mani_skill.utils import assets

    robot = task.default_kwargs.get("robot_uids")
    if robot is None and "robot_uids" in (parameters := inspect.signature(task.cls).parameters):
        robot = parameters["robot_uids"].default
    robots = robot if isinstance(robot, tuple) else (robot,)
    needed = [*task.asset_download_ids]
    needed += [part for uid in robots if uid in REGISTERED_AGENTS for part in REGISTERED_AGENTS[uid].asset_download_ids]
    for asset in needed:
        is_group = asset in assets.DATA_GROUPS
        sources = assets.expand_data_group_into_individual_data_source_ids(asset) if is_group else [asset]
        if not all(assets.is_data_source_downloaded(source) for source in sources):
            hint = f"`python -m mani_skill.utils.download_asset {asset}`"
            message = f"{name} needs the files {asset!r}, which are not downloaded"
            raise SetupError("environment", "env.id", message, hint)


def time_limit(section: ManiSkillEnv) -> int | None:
    """Steps an episode may take."""
    return section.episode_steps or find_task(section.id).max_episode_steps


def observe(section: ManiSkillEnv, seen: Any, device: torch.device = CPU) -> Observations:
    """What a simulation shows, as the policy is to see it; the memory is the caller's.

    Pictures of several cameras (a hand's beside the base's) lie behind one another, as channels.
    """
    if section.observation == "state":
        return Observations(seen.float().clone())
    from mani_skill.utils.common import flatten_state_dict

    pictures = torch.cat([camera["rgb"] for camera in seen["sensor_data"].values()], dim=-1)
    image = pictures.permute(0, 3, 1, 2).contiguous()  # (N, channels, height, width)
    if section.observation == "rgb":
        return Observations(torch.zeros(len(image), 0, device=device), image)
    proprioception = {"agent": seen["agent"], "extra": seen["extra"]}
    return Observations(flatten_state_dict(proprioception, use_torch=True, device=device).float(), image)


def flag(info: dict[str, Any], name: str, num_envs: int, device: torch.device = CPU) -> Tensor:
    """(N,) bool of a simulation's `info`; false where the task does not report it."""
    value = info.get(name)
    return torch.zeros(num_envs, dtype=torch.bool, device=device) if value is None else value.bool().clone()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep away warnings that ManiSkill gives for every simulation, and that concern its own developers."""
    logging.getLogger("mani_skill ").setLevel(logging.ERROR)  # the blank is part of the name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.getLogger("mani_skill ").setLevel(logging.ERROR)  # importing it had set another


def one_of(choices: list[str], wrong: str = "") -> str:
    """Say what there is, the nearest first."""
    nearest = difflib.get_close_matches(wrong, choices, n=1)
    listed = ", ".join(choice for choice in choices if choice != "none") or "none"
    return f"did you mean {nearest[0]}? It has {listed}" if nearest else f"it has {listed}"
