"""ManiSkill tasks for the engine: one a process on the processor, or all in one simulation on a GPU."""

import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box
from numpy.typing import NDArray
from torch import Tensor

from acceltui.engine.envs.base import Spaces, Step
from acceltui.engine.envs.maniskill_state import put, take
from acceltui.engine.envs.maniskill_task import (
    flag,
    make_simulation,
    observe,
    quiet,
    require_maniskill,
    time_limit,
)
from acceltui.engine.envs.snapshots import Snapshots
from acceltui.engine.errors import SetupError
from acceltui.engine.state import State
from acceltui.engine.vulkan import find_devices, problem
from acceltui.engine.windows import Observations
from acceltui.recipe.schema import ManiSkillEnv

NO_VULKAN_HINT = "`make system-packages` installs Mesa's; `accel doctor` says what is there"


def look_at_spaces(section: ManiSkillEnv) -> Spaces:
    """Make the task once to learn its spaces, in a process that may crash and whose memory comes back.

    Raises SetupError where the recipe and the task, or the task and the machine, do not fit.
    """
    require_maniskill()
    if trouble := problem(find_devices()):
        message = f"ManiSkill's simulator cannot run: {trouble}"
        raise SetupError("environment", "env.kind", message, NO_VULKAN_HINT)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_look, section).result()
        except BrokenProcessPool as error:
            message = f"ManiSkill's simulator crashed while it made {section.id}"
            hint = "the Vulkan driver is the likely cause: `accel doctor`"
            raise SetupError("environment", "env.id", message, hint) from error


def on_gpu(section: ManiSkillEnv, device: torch.device) -> bool:
    """Whether the task is simulated on the GPU that the engine computes on. SetupError where it should and cannot."""
    if section.backend == "gpu" and device.type != "cuda":
        seen = "none" if not torch.cuda.is_available() else str(torch.cuda.device_count())
        message = (
            f"the simulation is asked onto a GPU, but the engine computes on the {device} (GPUs seen here: {seen})"
        )
        raise SetupError("device", "env.backend", message, "use `auto` or `cpu`, or see `engine.device`")
    return section.backend != "cpu" and device.type == "cuda"


def make_env(section: ManiSkillEnv, spaces: Spaces, render_mode: str | None = None) -> gymnasium.Env:
    """One task on the processor, in Gymnasium's terms; with a `render_mode`, `rgb_array`, it draws itself."""
    if multiprocessing.parent_process() is not None:
        # The engine saves before it leaves, and these processes end when its pipe to them does.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
        torch.set_num_threads(1)
    return Snapshots(ManiSkillTask(section, spaces, render_mode))


class ManiSkillTask(gymnasium.Env):
    """A task with numpy observations: a flat `state`, or a Dict of an `image` (height, width, channels) and a `state`.

    Actions are in [-1, 1]. `terminated`: the task succeeded or failed; `truncated`: at the time limit; an episode's
    last step may be both. `info["success"]` is a bool at every step. With the `render_mode` rgb_array it draws itself.

    The simulation is made at the first reset: Gymnasium makes an environment in the engine's process as well, only to
    read its spaces, and that one should cost neither seconds nor hundreds of megabytes.
    """

    def __init__(self, section: ManiSkillEnv, spaces: Spaces, render_mode: str | None = None) -> None:
        self._section, self._limit, self.render_mode = section, spaces.episode_steps, render_mode
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": 20}
        self._low, self._high = np.array(spaces.low, np.float32), np.array(spaces.high, np.float32)
        self._simulation: Any = None
        self._stands_at: State | None = None
        """The snapshot taken or restored since the last step."""
        self.action_space = Box(-1.0, 1.0, (spaces.action,), np.float32)
        self.observation_space = observation_space(spaces)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode; a seed fixes it and those after it."""
        super().reset(seed=seed)
        self._stands_at = None
        if self._simulation is None:
            self._simulation = make_simulation(self._section, render_mode=self.render_mode)
        with quiet():
            seen, info = self._simulation.reset(seed=seed)
        return self._seen(seen), {"success": bool(flag(info, "success", 1))}

    def step(self, action: NDArray[np.float32]) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take an action (A,)."""
        self._stands_at = None
        taken = self._low + (np.clip(action, -1, 1) + 1) / 2 * (self._high - self._low)
        seen, reward, terminated, _, info = self._simulation.step(taken.astype(np.float32))
        truncated = self._limit is not None and int(self._simulation.elapsed_steps) >= self._limit
        success = bool(flag(info, "success", 1))
        return self._seen(seen), float(reward), bool(terminated), truncated, {"success": success}

    def render(self) -> NDArray[np.uint8]:
        """The task as its own camera for people shows it."""
        return self._simulation.render()[0].cpu().numpy()

    def snapshot(self) -> State:
        """Where the episode stands; it goes on as a restored one does. Asked again it is the same: what is put back and
        taken anew has been rounded."""
        if self._stands_at is None:
            with quiet():
                self._stands_at = take(self._simulation)
        return self._stands_at

    def restore(self, snapshot: State) -> None:
        """Go on from there, in an environment that has been reset once."""
        with quiet():
            put(self._simulation, snapshot)
        self._stands_at = snapshot

    def close(self) -> None:
        """Give the simulation's memory back."""
        if self._simulation is not None:
            self._simulation.close()

    def _seen(self, seen: Any) -> Any:
        observations = observe(self._section, seen)
        if observations.image is None:
            return observations.state[0].numpy()
        parts = {"image": observations.image[0].permute(1, 2, 0).contiguous().numpy()}
        if self._section.observation == "rgb+state":
            parts["state"] = observations.state[0].numpy()
        return parts


class ManiSkillOnGPU:
    """N environments of one simulation, whose observations and rewards stay on the device.

    Environments restart in the step that ends their episode.
    """

    apart = False

    def __init__(self, section: ManiSkillEnv, num_envs: int, spaces: Spaces, device: torch.device) -> None:
        self.num_envs, self.spaces = num_envs, spaces
        self._section, self._device = section, device
        self._simulation = make_simulation(section, num_envs, device)
        self._low = torch.tensor(spaces.low, device=device)
        self._high = torch.tensor(spaces.high, device=device)
        self._taken = torch.zeros(num_envs, spaces.action, device=device)
        self._seeds = np.random.default_rng()

    def reset(self, seed: int) -> Observations:
        """Begin an episode in each; the seed fixes these and those after them, as far as a GPU repeats its sums."""
        self._seeds = np.random.default_rng(seed)
        with quiet():
            seen, _ = self._simulation.reset(seed=seed)
        return observe(self._section, seen, self._device)

    def send(self, actions: Tensor) -> None:
        """Have actions (N, A) on the device taken, when they are asked for."""
        self._taken = self._low + (actions.clamp(-1, 1) + 1) / 2 * (self._high - self._low)

    def receive(self) -> Step:
        """Take the actions sent."""
        seen, rewards, terminated, _, info = self._simulation.step(self._taken)
        observations, rewards = observe(self._section, seen, self._device), rewards.float().clone()
        limit = self.spaces.episode_steps
        truncated = torch.zeros_like(terminated) if limit is None else self._simulation.elapsed_steps >= limit
        success = flag(info, "success", self.num_envs, self._device)
        # One transfer a step: what the engine counts with lives on the host.
        flags = torch.stack([terminated.bool(), truncated, success]).cpu().numpy()
        final = None
        if (ended := flags[0] | flags[1]).any():
            final, observations = observations, self._restart(ended)
        return Step(observations, rewards, flags[0], flags[1], final, flags[2])

    def snapshot(self) -> list[State] | None:
        """None: what a simulation on a GPU goes through does not repeat, so that a resumed run begins new episodes."""
        return None

    def restore(self, snapshot: list[State]) -> None:
        """There is none to restore."""
        raise NotImplementedError

    def close(self) -> None:
        """Give the simulation's memory back."""
        self._simulation.close()

    def _restart(self, ended: NDArray[np.bool_]) -> Observations:
        """Begin a new episode where one ended; gives the observations of all.

        Starts are drawn from torch's global generator: it is seeded from this object's own, and put back, so that they
        repeat with the seed and take nothing from the learner's noise.
        """
        gpus = [self._device] if self._device.type == "cuda" else []
        with torch.random.fork_rng(devices=gpus), quiet():
            torch.manual_seed(int(self._seeds.integers(2**31)))
            which = torch.from_numpy(np.flatnonzero(ended)).to(self._device)
            seen, _ = self._simulation.reset(options={"env_idx": which})
        return observe(self._section, seen, self._device)


def observation_space(spaces: Spaces) -> gymnasium.Space:
    """The space of a task's observations: pictures are bytes, numbers unbounded."""
    state = Box(-np.inf, np.inf, (spaces.state,), np.float32)
    if spaces.image is None:
        return state
    channels, height, width = spaces.image
    parts: dict[str, gymnasium.Space] = {"image": Box(0, 255, (height, width, channels), np.uint8)}
    if spaces.state:
        parts["state"] = state
    return gymnasium.spaces.Dict(parts)


def _look(section: ManiSkillEnv) -> Spaces:
    torch.set_num_threads(1)
    simulation = make_simulation(section)
    if section.observation != "state" and not simulation._sensor_configs:
        raise SetupError("environment", "env.observation", f"{section.id} has no camera", "use `state`")
    try:
        seen, *_, info = simulation.step(np.zeros(simulation.single_action_space.shape, np.float32))
    except NotImplementedError as error:
        message = f"{section.id} does not compute the reward {section.reward!r}"
        raise SetupError(
            "environment", "env.reward", message, "try another of normalized_dense, dense, sparse"
        ) from error
    observations, actions = observe(section, seen), simulation.single_action_space
    image, state = observations.image, observations.state.shape[1]
    return Spaces(
        full=state,
        state=state,
        image=None if image is None else (image.shape[1], image.shape[2], image.shape[3]),
        action=actions.shape[0],
        discrete=False,
        low=actions.low.tolist(),
        high=actions.high.tolist(),
        episode_steps=time_limit(section),
        succeeds="success" in info,
    )
