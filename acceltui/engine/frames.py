"""Rings of frames: what was seen and done, in the order in which it was, one ring an environment."""

import math
import mmap
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acceltui.engine.envs.base import Spaces
from acceltui.engine.state import State
from acceltui.engine.windows import Observations

FLAG_BYTES = 4
"""Of a frame: its position in the episode, whether it terminated, whether it ended."""


class Frames:
    """A frame is an observation with the action, reward and flags that led to it.

    A transition is two frames that follow each other, so each observation is stored once; an episode costs one extra
    frame. `capacity` counts transitions over all rings; with episodes of 50 steps or more it is reached, shorter ones
    fill the frames first.
    """

    def __init__(
        self, capacity: int, num_envs: int, spaces: Spaces, window: int, device: torch.device, past: bool = False
    ) -> None:
        """`past`: windows carry the actions and rewards that led to their observations."""
        self.window, self.spaces, self.past = window, spaces, past
        self._quota = capacity // num_envs
        self.capacity = self._quota * num_envs
        self._span = span_of(self._quota)
        self._slots = self._span + window - 1
        frames = num_envs * self._slots
        self._state = storage((frames, spaces.state), torch.float32, device)
        self._image: Tensor | None = None
        if spaces.image is not None:
            self._image = storage((frames, *spaces.image), torch.uint8, device)
        self._actions = storage((frames, spaces.action), torch.float32, device)
        self._rewards = storage((frames,), torch.float32, device)
        # What indices are computed from stays with the processor, whatever the device.
        self._position = np.zeros((num_envs, self._slots), np.uint16)  # steps since the episode began, clipped
        self._terminated = np.zeros((num_envs, self._slots), np.bool_)
        self._ended = np.zeros((num_envs, self._slots), np.bool_)  # terminated or truncated: no successor
        # Frames are numbered from 0 in each ring; frame i lies in slot i % slots. The oldest is that of a transition:
        # the `window` - 1 frames before it are still there.
        self._newest = np.full(num_envs, -1)
        self._oldest = np.zeros(num_envs, np.int64)
        self._transitions = np.zeros(num_envs, np.int64)

    @staticmethod
    def bytes_for(capacity: int, num_envs: int, spaces: Spaces, window: int) -> int:
        """Bytes that a replay would take."""
        picture = 0 if spaces.image is None else math.prod(spaces.image)
        frame = picture + 4 * (spaces.state + spaces.action + 1) + FLAG_BYTES
        return num_envs * (span_of(capacity // num_envs) + window - 1) * frame

    @property
    def size(self) -> int:
        """Transitions held."""
        return int(self._transitions.sum())

    @property
    def largest_reward(self) -> float:
        """By absolute value, of the frames held; waits for the device."""
        lowest, highest = torch.aminmax(self._rewards)
        return max(-float(lowest), float(highest))

    @property
    def longest(self) -> int:
        """Steps that one of the episodes held is known to have."""
        return int(self._position.max())

    @property
    def nbytes(self) -> int:
        """Bytes of storage."""
        flags = self._position.nbytes + self._terminated.nbytes + self._ended.nbytes
        return flags + sum(part.nbytes for part in self._parts())

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return self.nbytes // self._position.size

    def begin(self, envs: NDArray[np.int64], observations: Observations) -> None:
        """Write an episode's first frame in the rings `envs` (n,), from the observations of all; one still running
        there is cut."""
        self._ended[envs, self._newest[envs] % self._slots] = True
        self._make_room(envs)
        slot = self._newest[envs] % self._slots
        self._position[envs, slot], self._terminated[envs, slot], self._ended[envs, slot] = 0, False, False
        frames = self._frames(envs, slot)
        rows = torch.from_numpy(envs).to(frames.device)
        self._observe(frames, observations.map(lambda part: part[rows]))
        self._actions[frames] = 0.0
        self._rewards[frames] = 0.0

    def append(
        self,
        observations: Observations,
        actions: Tensor,
        rewards: Tensor,
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
    ) -> None:
        """Write the next frame of every ring: observations, and actions (N, A), rewards (N,), flags that led to it."""
        envs = np.arange(len(self._newest))
        position = self._position[envs, self._newest % self._slots].astype(np.int64) + 1
        self._make_room(envs)
        slot = self._newest % self._slots
        self._position[envs, slot] = np.minimum(position, 65_535)
        self._terminated[envs, slot], self._ended[envs, slot] = terminated, terminated | truncated
        frames = self._frames(envs, slot)
        self._observe(frames, observations)
        self._actions[frames] = actions
        self._rewards[frames] = rewards
        self._transitions += 1
        while (full := self._transitions > self._quota).any():
            self._forget(np.flatnonzero(full))

    def newest(self, count: int, capacity: int) -> Self:
        """The like of another capacity that holds the newest `count` transitions of this one.

        The frames of running episodes are kept, so that both stages share one stream of experience.
        """
        num_envs = len(self._newest)
        kept = self.like(capacity)
        share = min(count // num_envs, kept._quota)
        for env in range(num_envs):
            last = int(self._newest[env])
            first = last
            taken = 0
            while first > self._oldest[env] and taken < share:
                first -= 1
                taken += not self._ended[env, first % self._slots]
            while last - first + 1 > kept._span:
                taken -= not self._ended[env, first % self._slots]
                first += 1
            frames = np.arange(max(first - self.window + 1, 0), last + 1)
            source, target = frames % self._slots, frames % kept._slots
            for mine, theirs in zip(self._parts(), kept._parts(), strict=True):
                theirs[kept._frames(env, target)] = mine[self._frames(env, source)]
            kept._position[env, target] = self._position[env, source]
            kept._terminated[env, target] = self._terminated[env, source]
            kept._ended[env, target] = self._ended[env, source]
            kept._newest[env], kept._oldest[env], kept._transitions[env] = last, first, taken
        return kept

    def state(self) -> State:
        """Where the rings stand, and their flags; not what `frames` gives."""
        return {
            "capacity": self.capacity,
            "newest": self._newest,
            "oldest": self._oldest,
            "transitions": self._transitions,
            "position": self._position,
            "terminated": self._terminated,
            "ended": self._ended,
        }

    def load(self, state: State) -> None:
        """The opposite, of a replay of the same capacity; frames come by `put`."""
        for name in ("newest", "oldest", "transitions", "position", "terminated", "ended"):
            mine: NDArray[Any] = getattr(self, f"_{name}")
            mine[...] = state[name]

    def like(self, capacity: int) -> Self:
        """Empty rings of another capacity."""
        return type(self)(capacity, len(self._newest), self.spaces, self.window, self._rewards.device, self.past)

    @property
    def first_frames(self) -> NDArray[np.int64]:
        """Of each ring, the oldest frame that a window may still reach."""
        return np.maximum(self._oldest - self.window + 1, np.maximum(self._newest - self._slots + 1, 0))

    def frames(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> State:
        """What is stored of frames `first` to `last` (N,) of each ring, ring after ring."""
        return {name: part[self._places(first, last)] for name, part in self._named().items()}

    def put(self, first: NDArray[np.int64], last: NDArray[np.int64], frames: State) -> None:
        """Write them."""
        places = self._places(first, last)
        for name, part in self._named().items():
            part[places] = frames[name].to(part.device)

    def _places(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> Tensor:
        each = [
            env * self._slots + np.arange(one, other + 1) % self._slots
            for env, (one, other) in enumerate(zip(first, last, strict=True))
        ]
        return self._on_device(np.concatenate(each))

    def _named(self) -> dict[str, Tensor]:
        image = {} if self._image is None else {"image": self._image}
        return {"state": self._state, "actions": self._actions, "rewards": self._rewards, **image}

    def _parts(self) -> list[Tensor]:
        """Everything that is stored of a frame but its flags."""
        image = [] if self._image is None else [self._image]
        return [self._state, *image, self._actions, self._rewards]

    def _frames(self, envs: NDArray[np.int64] | int, slots: NDArray[np.int64]) -> Tensor:
        return self._on_device(envs * self._slots + slots)

    def _numbers(self, envs: NDArray[np.int64], frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where frames lie in what is stored."""
        return envs * self._slots + frames % self._slots

    def _on_device(self, numbers: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(numbers).to(self._rewards.device)

    def _observe(self, frames: Tensor, observations: Observations) -> None:
        self._state[frames] = observations.state
        if self._image is not None:
            assert observations.image is not None
            self._image[frames] = observations.image

    def _make_room(self, envs: NDArray[np.int64]) -> None:
        """Number the next frame of each ring."""
        full = envs[self._newest[envs] - self._oldest[envs] + 1 >= self._span]
        if len(full):
            self._forget(full)
        self._newest[envs] += 1

    def _forget(self, envs: NDArray[np.int64]) -> None:
        self._transitions[envs] -= ~self._ended[envs, self._oldest[envs] % self._slots]
        self._oldest[envs] += 1

    @property
    def newest_frames(self) -> NDArray[np.int64]:
        """Of each ring, the number of its newest frame."""
        return self._newest.copy()


def storage(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Zeros, in memory that goes back to the system with them: engines keep what else they free (`launch.call`)."""
    count = math.prod(shape)
    if device.type != "cpu" or not count:
        return torch.zeros(shape, dtype=dtype, device=device)
    # Written, so that all of it is there from the start: what a run takes must not grow for hours.
    return (
        torch.frombuffer(mmap.mmap(-1, count * dtype.itemsize, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), dtype=dtype)
        .view(shape)
        .zero_()
    )


def span_of(quota: int) -> int:
    """Frames of a ring for `quota` transitions: one more for each episode of 50 steps."""
    return quota + quota // 50 + 2
