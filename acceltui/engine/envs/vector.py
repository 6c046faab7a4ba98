"""Gymnasium's vector environments, as the engine wants them."""

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, Space
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from numpy.typing import NDArray
from torch import Tensor

from acceltui.engine.envs.base import Spaces, Step
from acceltui.engine.state import State
from acceltui.engine.windows import Observations


class GymnasiumVector:
    """N environments in this process or one each, which reset in the step that ends an episode (SAME_STEP)."""

    def __init__(self, envs: SyncVectorEnv | AsyncVectorEnv, spaces: Spaces, device: torch.device) -> None:
        self.num_envs, self.spaces = envs.num_envs, spaces
        self._envs, self._device = envs, device
        self.apart = isinstance(envs, AsyncVectorEnv)
        self._taken: NDArray[Any] | None = None
        """Actions sent whose step is not received yet."""

    def reset(self, seed: int) -> Observations:
        """Environment i is seeded with `seed + i`."""
        observations, _ = self._envs.reset(seed=seed)
        return self._seen(observations)

    def send(self, actions: Tensor) -> None:
        """Have actions (N, A) taken: begun at once by environments in processes, by others when they are asked."""
        self._taken = taken(actions, self.spaces.discrete)
        if isinstance(self._envs, AsyncVectorEnv):
            self._envs.step_async(self._taken)

    def receive(self) -> Step:
        """What came of the actions sent."""
        sent, self._taken, envs = self._taken, None, self._envs
        assert sent is not None, "nothing was sent"
        came = envs.step_wait() if isinstance(envs, AsyncVectorEnv) else envs.step(sent)
        observations, rewards, terminated, truncated, info = came
        ended = terminated | truncated
        success = np.asarray(info.get("success", np.zeros(self.num_envs)), np.bool_)
        final = None
        if ended.any():
            final = self._seen(self._completed(observations, info["final_obs"], ended))
            success = np.where(ended, info["final_info"].get("success", success), success).astype(np.bool_)
        return Step(
            observations=self._seen(observations),
            rewards=torch.from_numpy(np.asarray(rewards, np.float32)).to(self._device),
            terminated=terminated,
            truncated=truncated,
            final=final,
            success=success,
        )

    def snapshot(self) -> list[State] | None:
        """The state of each; None where one cannot give its own."""
        found = self._envs.call("snapshot")
        return None if any(state is None for state in found) else list(found)

    def restore(self, snapshot: list[State]) -> None:
        """Put it back."""
        self._envs.set_attr("pending", snapshot)
        self._envs.call("restore_pending")

    def close(self) -> None:
        """End the environments, and the processes of those that have one, whatever state they are in."""
        if not isinstance(self._envs, AsyncVectorEnv):
            self._envs.close()
            return
        pending, self._taken = self._taken is not None, None
        # A step that nobody needs any more, and an environment that has died, must not spoil the end of a run.
        if pending:
            with contextlib.suppress(Exception):
                self._envs.step_wait()
        with contextlib.suppress(Exception):
            self._envs.close(terminate=not all(process.is_alive() for process in self._envs.processes))
        for process in self._envs.processes:
            if process.is_alive():
                process.kill()
                process.join()

    def _completed(self, observations: Any, final: NDArray[Any], ended: NDArray[np.bool_]) -> Any:
        """The observations, with the last one of each episode that ended in place of the next one's first."""
        where = np.flatnonzero(ended)
        if isinstance(observations, dict):
            completed = {key: part.copy() for key, part in observations.items()}
            for env in where:
                for key, part in completed.items():
                    part[env] = final[env][key]
            return completed
        completed = observations.copy()
        completed[where] = np.stack(list(final[where]))
        return completed

    def _seen(self, observations: Any) -> Observations:
        return seen(observations, self.spaces, self._device)


def seen(observations: Any, spaces: Spaces, device: torch.device) -> Observations:
    """A batch of observations as environments give it, as policies see it."""
    only = "state" if spaces.image is None else "image"
    parts = observations if isinstance(observations, dict) else {only: observations}
    image, state = parts.get("image"), parts.get("state")
    if state is None:
        state = np.zeros((len(parts["image"]), 0), np.float32)
    return Observations(
        # Copied: environments in processes write into the same memory at every step.
        torch.from_numpy(np.array(state, np.float32)).to(device),
        None if image is None else torch.from_numpy(channels_first(np.array(image))).to(device),
    )


def taken(actions: Tensor, discrete: bool) -> NDArray[Any]:
    """Actions (N, A) as environments take them: the number of a choice, or clipped to [-1, 1]."""
    return (actions.argmax(dim=1) if discrete else actions.clamp(-1, 1)).cpu().numpy()


def channels_first(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, height, width[, channels]) or (N, channels, height, width) to the latter."""
    axes = picture_axes(images.shape[1:])
    images = images[..., None] if images.ndim == 3 else images
    return np.ascontiguousarray(images.transpose(0, *(axis + 1 for axis in axes)))


def picture_axes(shape: Sequence[int]) -> tuple[int, int, int]:
    """Where channels, height and width are in a picture of this shape; few channels, at the end or in front."""
    if len(shape) == 3 and shape[2] > 4 and shape[0] <= 4:
        return (0, 1, 2)
    return (2, 0, 1)


def picture_shape(space: Box) -> tuple[int, int, int]:
    """(channels, height, width) of a space of pictures."""
    shape = space.shape if len(space.shape) == 3 else (*space.shape, 1)
    channels, height, width = (shape[axis] for axis in picture_axes(shape))
    return channels, height, width


def is_picture(space: Space) -> bool:
    """Whether a space holds pictures of bytes."""
    return isinstance(space, Box) and space.dtype == np.uint8 and len(space.shape) in (2, 3)


def is_flat(space: Space) -> bool:
    """Whether a space holds vectors."""
    return isinstance(space, Box) and len(space.shape) == 1


def parts_of(space: Space) -> dict[str, Box] | None:
    """The `state` and the `image` of an observation space; None where it is of another kind."""
    if is_flat(space):
        return {"state": space}  # type: ignore[dict-item]
    if is_picture(space):
        return {"image": space}  # type: ignore[dict-item]
    if isinstance(space, Dict) and set(space.spaces) <= {"state", "image"}:
        wanted = {"state": is_flat, "image": is_picture}
        if all(wanted[key](part) for key, part in space.spaces.items()):
            return dict(space.spaces)  # type: ignore[arg-type]
    return None


def actions_of(space: Space) -> tuple[int, bool, list[float], list[float]]:
    """Entries, whether discrete, and bounds, of an action space that was found usable."""
    if isinstance(space, Discrete):
        return int(space.n), True, [], []
    assert isinstance(space, Box)
    return space.shape[0], False, space.low.tolist(), space.high.tolist()
