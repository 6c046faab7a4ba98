"""The replay: rings of frames, from which windows are gathered by index."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Windows of `C` observations of `O` entries, and what followed each."""

    windows: Tensor
    """(B, C, O), oldest first; an episode's first observation repeated before its start."""
    actions: Tensor
    """(B, A) in [-1, 1], taken at the window's last observation."""
    rewards: Tensor
    """(B,)"""
    next_windows: Tensor
    """(B, C, O), one step later."""
    terminated: Tensor
    """(B,) float: 1 where the episode ended by itself, 0 at a time limit and everywhere else."""


class Replay:
    """One ring an environment of frames: an observation with the action, reward and flags that led to it.

    A transition is two frames that follow each other, so each observation is stored once; an episode costs one extra
    frame. `capacity` counts transitions over all rings; with episodes of 50 steps or more it is reached, shorter ones
    fill the frames first. Windows never reach past the cursor, over an episode's start or into what was overwritten.
    """

    def __init__(self, capacity: int, num_envs: int, observation: int, action: int, window: int, device: str) -> None:
        self.capacity, self.window = capacity, window
        self._quota = math.ceil(capacity / num_envs)
        # A frame more for each episode of 50 steps; then those that the oldest windows reach back to.
        self._span = self._quota + self._quota // 50 + 2
        self._slots = self._span + window - 1
        frames = num_envs * self._slots
        self._observations = torch.zeros(frames, observation, device=device)
        self._actions = torch.zeros(frames, action, device=device)
        self._rewards = torch.zeros(frames, device=device)
        # What indices are computed from stays with the processor, whatever the device.
        self._position = np.zeros((num_envs, self._slots), np.uint16)  # steps since the episode began, clipped
        self._terminated = np.zeros((num_envs, self._slots), np.bool_)
        self._ended = np.zeros((num_envs, self._slots), np.bool_)  # terminated or truncated: no successor
        # Frames are numbered from 0 in each ring; frame i lies in slot i % slots. The oldest is that of a transition:
        # the `window` - 1 frames before it are still there.
        self._newest = np.full(num_envs, -1)
        self._oldest = np.zeros(num_envs, np.int64)
        self._transitions = np.zeros(num_envs, np.int64)

    @property
    def size(self) -> int:
        """Transitions held."""
        return int(self._transitions.sum())

    @property
    def nbytes(self) -> int:
        """Bytes of storage."""
        tensors = sum(t.nbytes for t in (self._observations, self._actions, self._rewards))
        return tensors + self._position.nbytes + self._terminated.nbytes + self._ended.nbytes

    def begin(self, envs: NDArray[np.int64], observations: NDArray[np.float32]) -> None:
        """Write an episode's first frame (n, O) in each of the rings `envs` (n,); one still running there is cut."""
        n = len(envs)
        self._ended[envs, self._newest[envs] % self._slots] = True
        zeros = np.zeros(n, np.float32)
        never = np.zeros(n, np.bool_)
        self._write(envs, observations, np.zeros((n, self._actions.shape[1]), np.float32), zeros, never, never, None)

    def append(
        self,
        observations: NDArray[np.float32],
        actions: NDArray[np.float32],
        rewards: NDArray[np.float32],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
    ) -> None:
        """Write the next frame of every ring: (N, O), and (N, A), (N,), (N,), (N,) that led to it."""
        envs = np.arange(len(self._newest))
        position = self._position[envs, self._newest % self._slots].astype(np.int64) + 1
        self._write(envs, observations, actions, rewards, terminated, truncated, np.minimum(position, 65_535))
        self._transitions += 1
        while (full := self._transitions > self._quota).any():
            self._forget(np.flatnonzero(full))

    def sample(self, batch_size: int, generator: np.random.Generator, newest: int | None = None) -> Batch:
        """Transitions drawn uniformly, among the `newest` frames if given; the replay must hold some."""
        low = self._oldest
        if newest is not None:
            low = np.maximum(low, self._newest - math.ceil(newest / len(low)))
        counts = np.maximum(self._newest - low, 0)
        ends = np.cumsum(counts)
        envs, frames = np.empty(batch_size, np.int64), np.empty(batch_size, np.int64)
        todo = np.arange(batch_size)
        for _ in range(1000):
            drawn = generator.integers(0, ends[-1], len(todo))
            ring = np.searchsorted(ends, drawn, side="right")
            frame = low[ring] + drawn - (ends[ring] - counts[ring])
            envs[todo], frames[todo] = ring, frame
            todo = todo[self._ended[ring, frame % self._slots]]
            if not len(todo):
                return self._gather(envs, frames)
        raise RuntimeError("the replay holds no transition")

    def newest(self, count: int, capacity: int) -> "Replay":
        """A replay of another capacity that holds the newest `count` transitions of this one.

        The frames of running episodes are kept, so that both stages share one stream of experience.
        """
        num_envs, observation, action = len(self._newest), self._observations.shape[1], self._actions.shape[1]
        device = str(self._observations.device)
        kept = Replay(capacity, num_envs, observation, action, self.window, device)
        share = min(math.ceil(count / num_envs), kept._quota)
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
            for mine, theirs in (
                (self._observations, kept._observations),
                (self._actions, kept._actions),
                (self._rewards, kept._rewards),
            ):
                theirs[torch.from_numpy(env * kept._slots + target)] = mine[
                    torch.from_numpy(env * self._slots + source)
                ]
            kept._position[env, target] = self._position[env, source]
            kept._terminated[env, target] = self._terminated[env, source]
            kept._ended[env, target] = self._ended[env, source]
            kept._newest[env], kept._oldest[env], kept._transitions[env] = last, first, taken
        return kept

    def _write(
        self,
        envs: NDArray[np.int64],
        observations: NDArray[np.float32],
        actions: NDArray[np.float32],
        rewards: NDArray[np.float32],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        position: NDArray[np.int64] | None,
    ) -> None:
        full = envs[self._newest[envs] - self._oldest[envs] + 1 >= self._span]
        if len(full):
            self._forget(full)
        self._newest[envs] += 1
        slot = self._newest[envs] % self._slots
        flat = torch.from_numpy(envs * self._slots + slot).to(self._rewards.device)
        self._observations[flat] = torch.from_numpy(observations).to(self._rewards.device)
        self._actions[flat] = torch.from_numpy(actions).to(self._rewards.device)
        self._rewards[flat] = torch.from_numpy(rewards.astype(np.float32)).to(self._rewards.device)
        self._position[envs, slot] = 0 if position is None else position
        self._terminated[envs, slot] = terminated
        self._ended[envs, slot] = terminated | truncated

    def _forget(self, envs: NDArray[np.int64]) -> None:
        self._transitions[envs] -= ~self._ended[envs, self._oldest[envs] % self._slots]
        self._oldest[envs] += 1

    def _gather(self, envs: NDArray[np.int64], frames: NDArray[np.int64]) -> Batch:
        slots, device = self._slots, self._rewards.device
        position = self._position[envs, frames % slots].astype(np.int64)
        ages = np.arange(1 - self.window, 2)  # C frames up to the window's last, and the one that followed
        reach = np.maximum(ages, -position[:, None])  # the first observation is repeated before the start
        index = envs[:, None] * slots + (frames[:, None] + reach) % slots
        next_slot = (frames + 1) % slots
        successor = torch.from_numpy(envs * slots + next_slot).to(device)
        observations = self._observations[torch.from_numpy(index).to(device)]  # (B, C + 1, O)
        return Batch(
            windows=observations[:, :-1],
            actions=self._actions[successor],
            rewards=self._rewards[successor],
            next_windows=observations[:, 1:],
            terminated=torch.from_numpy(self._terminated[envs, next_slot].astype(np.float32)).to(device),
        )
