"""What policies see: observations, and windows of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Observations:
    """Of N environments: numbers, and where there is a camera, pictures."""

    state: Tensor
    """(N, S) float32; S is 0 where there are only pictures."""
    image: Tensor | None = None
    """(N, channels, height, width) uint8."""

    def map(self, change: Callable[[Tensor], Tensor]) -> "Observations":
        """The same change made to each part."""
        return Observations(change(self.state), None if self.image is None else change(self.image))


@dataclass(frozen=True)
class Past:
    """What led to each observation of a window."""

    actions: Tensor
    """(B, W, A); zeros at an episode's first observation."""
    rewards: Tensor
    """(B, W); zero at an episode's first observation."""
    padded: Tensor
    """(B, W) bool: a repetition of the first observation, before the episode's start."""

    def map(self, change: Callable[[Tensor], Tensor]) -> "Past":
        """The same change made to each part."""
        return Past(change(self.actions), change(self.rewards), change(self.padded))


@dataclass(frozen=True)
class Pictures:
    """The pictures of B windows, each distinct one once: to encode them is most of the work there is with a camera."""

    frames: Tensor
    """(F, channels, height, width) uint8."""
    places: Tensor
    """(B, W): which frame is at each step of each window."""
    run_of: Tensor
    """(F,): the run of windows that a frame belongs to. No two runs share one: each can be shifted by itself."""
    runs: int
    """How many there are."""
    shared: bool
    """Whether steps share frames. Where none do, nothing is searched for them, and shapes do not depend on what was
    drawn."""

    @classmethod
    def of(cls, image: Tensor) -> "Pictures":
        """Pictures (B, W, channels, height, width), nothing shared, each window a run."""
        rows, context = image.shape[:2]
        places = torch.arange(rows * context, device=image.device)
        return cls(image.flatten(0, 1), places.view(rows, context), places // context, rows, shared=False)

    @property
    def all(self) -> Tensor:
        """(B, W, channels, height, width)."""
        return self.frames[self.places]

    def map(self, change: Callable[[Tensor], Tensor]) -> "Pictures":
        """Some of the windows or of their steps."""
        return replace(self, places=change(self.places))

    def distinct(self) -> "Pictures":
        """The same without the frames that nothing shows."""
        if not self.shared:
            if self.places.numel() == len(self.frames):
                return self
            used, places = self.places.flatten(), torch.arange(self.places.numel(), device=self.places.device)
        else:
            used, places = torch.unique(self.places, return_inverse=True)
            if len(used) == len(self.frames):
                return self
        return replace(self, frames=self.frames[used], places=places.view_as(self.places), run_of=self.run_of[used])


@dataclass(frozen=True)
class Segments:
    """Runs of an episode's observations, for a network whose memory is carried from step to step."""

    state: Tensor
    """(G, T, S): from an episode's start, or from where the memory warms up. What is beyond its end means nothing."""
    image: Pictures | None
    """Of G x T steps."""
    pick: Tensor
    """(B,): of the G x T observations, those that B windows end with."""


@dataclass(frozen=True)
class Windows:
    """The last W observations of B episodes, oldest first; the first of an episode is repeated before its start."""

    state: Tensor
    """(B, W, S) float32."""
    image: Pictures | None = None
    """Of B x W steps."""
    past: Past | None = None
    """Present where a network asks for it."""
    segments: Segments | None = None
    """The same B observations with all that a memory needs of what came before, where a network has one."""

    def __len__(self) -> int:
        return len(self.state)

    def map(self, change: Callable[[Tensor], Tensor]) -> "Windows":
        """The same change made to each part, but for segments, which are dropped."""
        return Windows(
            change(self.state),
            None if self.image is None else self.image.map(change),
            None if self.past is None else self.past.map(change),
        )

    def tail(self, context: int) -> "Windows":
        """The newest `context` steps."""
        if self.state.shape[1] == context:
            return self
        return replace(self.map(lambda part: part[:, -context:]), segments=self.segments)

    def rows(self, index: Tensor) -> "Windows":
        """Some of the B windows."""
        return self.map(lambda part: part[index])
