"""What actors act on: the window of each of N episodes, and the memory of what came before it."""

import numpy as np
import torch
from torch import Tensor

from acceltui.engine.envs.base import Spaces
from acceltui.engine.networks.actor import Actor, State
from acceltui.engine.networks.heads import Distribution
from acceltui.engine.windows import Observations, Past, Pictures, Windows


class View:
    """Of N episodes that go on side by side; where one begins, all that came before is forgotten."""

    def __init__(self, n: int, window: int, spaces: Spaces, device: torch.device, past: bool = False) -> None:
        """`past`: windows carry the actions and rewards that led to their observations."""
        self.device = device
        image = None
        if spaces.image is not None:
            image = Pictures.of(torch.zeros(n, window, *spaces.image, dtype=torch.uint8, device=device))
        history = None
        if past:
            actions = torch.zeros(n, window, spaces.action, device=device)
            rewards = torch.zeros(n, window, device=device)
            history = Past(actions, rewards, torch.zeros(n, window, dtype=torch.bool, device=device))
        self.windows = Windows(torch.zeros(n, window, spaces.state, device=device), image, history)
        self.memory: State | None = None
        self.begins = torch.ones(n, dtype=torch.bool, device=device)
        """(N,): the newest observation is an episode's first."""

    def consult(self, actor: Actor) -> Distribution:
        """What an actor says now; asked once a step, since a memory counts what it sees."""
        if actor.segment is None:
            return actor.distribution(self.windows)
        said, self.memory = actor.step(self.windows, self.memory, self.begins)
        return said

    def push(self, observations: Observations, led: Past | None, begins: np.ndarray) -> None:
        """Move each window by one step; where an episode `begins` (N,), fill it with the first observation. `led`, with
        no axis for time: what led to the observations; None where nothing did."""
        history = self.windows.past
        if history is not None and led is None:
            led = Past(*(torch.zeros_like(part[:, 0]) for part in (history.actions, history.rewards, history.padded)))
        self.begins = torch.from_numpy(begins).to(self.device)
        self.windows = moved(self.windows, observations, led, self.begins if begins.any() else None)


def moved(windows: Windows, newest: Observations, led: Past | None, begins: Tensor | None) -> Windows:
    """Windows one step later; `led` to the newest observations, and has no axis for time either. Where `begins` (N,),
    nothing of the old is left."""
    image, past = None, None
    state = shifted(windows.state, newest.state, begins)
    if windows.image is not None and newest.image is not None:
        image = Pictures.of(shifted(windows.image.all, newest.image, begins))
    if windows.past is not None and led is not None:
        actions, rewards, padded = led.actions, led.rewards, led.padded
        if begins is not None:
            # Nothing led to a first observation; all but the newest of its repetitions are padding.
            actions = actions * ~begins[:, None]
            rewards = rewards * ~begins
        past = Past(
            shifted(windows.past.actions, actions, begins),
            shifted(windows.past.rewards, rewards, begins),
            shifted(windows.past.padded, padded, None),
        )
        if begins is not None:
            past.padded[begins, :-1] = True
    return Windows(state, image, past)


def shifted(old: Tensor, newest: Tensor, begins: Tensor | None) -> Tensor:
    """(N, W, ...) one step later, filled with `newest` (N, ...) where `begins` (N,)."""
    later = torch.cat((old[:, 1:], newest.unsqueeze(1)), dim=1)
    if begins is None:
        return later
    return torch.where(begins.view(-1, *[1] * (later.dim() - 1)), newest.unsqueeze(1), later)
