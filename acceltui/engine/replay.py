"""The replay: transitions drawn from rings of frames, their windows gathered by index."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acceltui.engine.frames import Frames
from acceltui.engine.networks.actor import Segment
from acceltui.engine.windows import Past, Pictures, Segments, Windows


@dataclass(frozen=True)
class Batch:
    """B windows, and what followed each."""

    windows: Windows
    actions: Tensor
    """(B, A), taken at the window's last observation."""
    rewards: Tensor
    """(B,)"""
    next_windows: Windows
    """One step later."""
    terminated: Tensor
    """(B,) float: 1 where the episode ended by itself, 0 at a time limit and everywhere else."""


class Replay(Frames):
    """Frames from which windows are drawn, that never reach past the cursor, over an episode's start or into what was
    overwritten.
    """

    def sample(
        self,
        batch_size: int,
        generator: np.random.Generator,
        newest: int | None = None,
        run: int = 1,
        memory: Segment | None = None,
    ) -> Batch:
        """Transitions, each equally likely, among the `newest` frames if given; the replay must hold some.

        They are drawn in runs of `run` that follow each other in an episode, shorter at its ends; with a `memory`, in
        such runs as it is trained on, and with what it is to see of them.
        """
        length = run if memory is None else memory.length
        if length == 1 and memory is None:
            return self.gather(*self._draw(batch_size, generator, newest))
        envs, firsts, lengths = self._draw_runs(batch_size, generator, newest, length)
        group = np.repeat(np.arange(len(lengths)), lengths)
        since = np.arange(batch_size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        batch = self.gather(envs[group], firsts[group] + since, group)
        if memory is None:
            return batch
        # From where the memory begins: the episode's start if it is near enough.
        position = self._position[envs, firsts % self._slots].astype(np.int64)
        warm = np.minimum(memory.burn_in, np.minimum(position, firsts - self._oldest[envs]))
        steps = memory.length + memory.burn_in + 1
        reach = np.minimum(np.arange(steps), (warm + lengths)[:, None])  # up to the frame that followed the last
        index = self._numbers(envs[:, None], firsts[:, None] - warm[:, None] + reach)  # (G, T)
        pick = torch.from_numpy(group * steps + warm[group] + since).to(self._rewards.device)
        state, image = rows(self._state, self._on_device(index)), self._pictures(index, np.arange(len(lengths)))
        return replace(
            batch,
            windows=replace(batch.windows, segments=Segments(state, image, pick)),
            next_windows=replace(batch.next_windows, segments=Segments(state, image, pick + 1)),
        )

    def _draw_runs(
        self, batch_size: int, generator: np.random.Generator, newest: int | None, length: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Rings, first frames and lengths of runs of transitions; `batch_size` transitions in all.

        A run may begin up to `length` - 1 steps before an episode does, and has no transitions there: so each
        transition is in as many runs as any other.
        """
        found: list[NDArray[np.int64]] = []  # rings, first frames and lengths, (3, n) each
        missing = batch_size
        while missing > 0:
            envs, frames = self._draw(batch_size, generator, newest)
            opens = (self._position[envs, frames % self._slots] == 0) | (frames == self._lowest(newest)[envs])
            runs = opens | (generator.random(batch_size) < 1 / length)
            envs, frames, opens = envs[runs], frames[runs], opens[runs]
            lengths = np.where(opens, generator.integers(1, length + 1, len(envs)), length)
            ahead = frames[:, None] + np.arange(length)
            last = (ahead >= self._newest[envs][:, None]) | self._ended[envs[:, None], ahead % self._slots]
            lengths = np.minimum(lengths, np.where(last.any(axis=1), last.argmax(axis=1), length))
            found.append(np.stack((envs, frames, lengths)))
            missing -= int(lengths.sum())
        envs, firsts, lengths = np.concatenate(found, axis=1)
        used = int(np.searchsorted(np.cumsum(lengths), batch_size)) + 1  # the fewest that fill a batch
        lengths = lengths[:used].copy()
        lengths[-1] -= lengths.sum() - batch_size
        return envs[:used], firsts[:used], lengths

    def _lowest(self, newest: int | None) -> NDArray[np.int64]:
        """Of each ring, the first frame that may be drawn."""
        if newest is None:
            return self._oldest
        return np.maximum(self._oldest, self._newest - -(-newest // len(self._newest)))

    def _draw(
        self, batch_size: int, generator: np.random.Generator, newest: int | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rings and frame numbers of transitions."""
        low = self._lowest(newest)
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
                return envs, frames
        raise RuntimeError("the replay holds no transition")

    def _pictures(self, numbers: NDArray[np.int64], runs: NDArray[np.int64]) -> Pictures | None:
        """Pictures of steps (B, W), given where they lie, of windows in `runs` (B,)."""
        if self._image is None:
            return None
        count = int(runs[-1]) + 1
        if count == len(runs) and self._image.is_cuda:
            return Pictures.of(rows(self._image, self._on_device(numbers)))
        frames = len(self._image)
        keys, places = np.unique(runs[:, None] * frames + numbers, return_inverse=True)
        run_of, distinct = (self._on_device(part) for part in np.divmod(keys, frames))
        return Pictures(
            rows(self._image, distinct), self._on_device(places.reshape(numbers.shape)), run_of, count, shared=True
        )

    def gather(
        self, envs: NDArray[np.int64], frames: NDArray[np.int64], runs: NDArray[np.int64] | None = None
    ) -> Batch:
        """Transitions by ring and frame number, all of which must be held; `runs`: the run that each belongs to."""
        slots, device = self._slots, self._rewards.device
        position = self._position[envs, frames % slots].astype(np.int64)
        ages = np.arange(1 - self.window, 2)  # C frames up to the window's last, and the one that followed
        reach = np.maximum(ages, -position[:, None])  # the first observation is repeated before the start
        numbers = self._numbers(envs[:, None], frames[:, None] + reach)  # (B, C + 1)
        index = self._on_device(numbers)
        next_slot = (frames + 1) % slots
        successor = self._frames(envs, next_slot)
        past = None
        if self.past:
            padded = torch.from_numpy(ages < -position[:, None]).to(device)
            past = Past(rows(self._actions, index), rows(self._rewards, index), padded)
        runs = np.arange(len(envs)) if runs is None else runs
        seen = Windows(rows(self._state, index), self._pictures(numbers, runs), past)
        return Batch(
            windows=seen.map(lambda part: part[:, :-1]),
            actions=rows(self._actions, successor),
            rewards=rows(self._rewards, successor),
            next_windows=seen.map(lambda part: part[:, 1:]),
            terminated=torch.from_numpy(self._terminated[envs, next_slot].astype(np.float32)).to(device),
        )


def rows(stored: Tensor, index: Tensor) -> Tensor:
    """`stored[index]`, which takes three times as long."""
    return stored.index_select(0, index.flatten()).unflatten(0, index.shape)
