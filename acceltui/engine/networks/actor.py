"""What every actor is: an encoder, a body over the window, a head."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from acceltui.engine.networks.encoder import Encoder
from acceltui.engine.networks.heads import Distribution, Head
from acceltui.engine.networks.precision import full_precision
from acceltui.engine.windows import Past, Windows

State = tuple[Tensor, ...]
"""The memory of N episodes: tensors of N rows each."""


class Body(nn.Module, ABC):
    """What makes one vector of features of a window."""

    features: int
    """Entries of what `forward` gives."""

    @abstractmethod
    def forward(self, observed: Tensor, past: Past | None) -> Tensor:
        """Features (B, F) of encoded observations (B, C, E), and of what led to each where the body asks for it."""

    def sequence(self, observed: Tensor) -> Tensor:
        """Features (G, T, F) at each of T encoded observations (G, T, E) from a reset, if the body remembers."""
        raise NotImplementedError

    def step(self, observed: Tensor, state: State | None, reset: Tensor) -> tuple[Tensor, State]:
        """Features (N, F) at the next encoded observation (N, 1, E), and the memory after it, if the body remembers.

        `state` None: nothing was seen; `reset` (N,): an episode begins, and what came before is forgotten first.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Segment:
    """How a memory is trained (contract `memory: episode`)."""

    length: int
    """Steps of an episode that are learned from together."""
    burn_in: int
    """Steps before them that only warm the memory up."""


class Actor(nn.Module):
    """A policy over the last `context` observations, or with a memory of the whole episode.

    Acting and training call the same functions, on windows made by the same rule: one shorter than the context (an
    episode's start) is filled in front with the episode's first observation. With a memory (`segment`), acting is
    `step`, and training runs over the windows' segments from a reset.
    """

    def __init__(self, context: int, encoder: Encoder, body: Body, head: Head, segment: Segment | None = None) -> None:
        super().__init__()
        self.context, self.segment = context, segment
        self.encoder, self.body, self.head = encoder, body, head

    def distribution(self, windows: Windows) -> Distribution:
        """What the policy says at B windows at least as long as the context; the last `context` steps are looked at."""
        if self.segment is not None:
            segments = windows.segments
            assert segments is not None, "a memory learns from segments"
            every = self.body.sequence(self.encoder(Windows(segments.state, segments.image)))  # (G, T, F)
            return self._said(every.flatten(0, 1)[segments.pick])
        seen = windows.tail(self.context)
        return self._said(self.body(self.encoder(seen), seen.past))

    def forward(self, windows: Windows) -> Tensor:
        """Actions (B, A) of the deterministic policy."""
        return self.distribution(windows).mode()

    def step(self, windows: Windows, state: State | None, reset: Tensor) -> tuple[Distribution, State]:
        """What a policy with a memory says at the newest observation of N windows, and the memory after it."""
        features, state = self.body.step(self.encoder(windows.tail(1)), state, reset)
        return self._said(features), state

    def _said(self, features: Tensor) -> Distribution:
        with full_precision(features):
            return self.head(features.float())
