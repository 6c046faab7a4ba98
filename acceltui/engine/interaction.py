"""Acting in environments, and keeping the windows that actors see."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from acceltui.engine.envs.base import Environments
from acceltui.engine.networks.actor import Actor, State
from acceltui.engine.networks.heads import Distribution
from acceltui.engine.replay import Replay
from acceltui.engine.state import State as SavedState
from acceltui.engine.windows import Observations, Past, Pictures, Windows

Policy = Callable[["Interaction"], Tensor]
"""What to do next in N environments, (N, A); asked once a step."""


@dataclass(frozen=True)
class Finished:
    """An episode that ended."""

    env: int
    total: float
    """Undiscounted sum of its rewards."""
    success: bool
    """At some step."""
    success_at_end: bool


class Interaction:
    """Environments, the window of each, and a replay that all frames go to.

    Sampling rebuilds the same windows from the replay: what an actor saw while acting is what it is trained on.
    """

    def __init__(
        self, envs: Environments, window: int, device: torch.device, replay: Replay | None = None, past: bool = False
    ) -> None:
        """`past`: windows carry the actions and rewards that led to their observations."""
        self.envs, self.replay, self.device = envs, replay, device
        self.num_envs = envs.num_envs
        n, spaces = self.num_envs, envs.spaces
        image = None
        if spaces.image is not None:
            image = Pictures.of(torch.zeros(n, window, *spaces.image, dtype=torch.uint8, device=device))
        history = None
        if past:
            actions = torch.zeros(n, window, spaces.action, device=device)
            rewards = torch.zeros(n, window, device=device)
            history = Past(actions, rewards, torch.zeros(n, window, dtype=torch.bool, device=device))
        self.windows = Windows(torch.zeros(n, window, spaces.state, device=device), image, history)
        self._returns = torch.zeros(n, device=device)
        self._success = np.zeros(n, np.bool_)
        self._sent: Tensor | None = None
        self._memory: State | None = None
        self._begins = torch.ones(n, dtype=torch.bool, device=device)
        """(N,): the newest observation is an episode's first."""

    def consult(self, actor: Actor) -> Distribution:
        """What an actor says now; asked once a step, since a memory counts what it sees."""
        if actor.segment is None:
            return actor.distribution(self.windows)
        said, self._memory = actor.step(self.windows, self._memory, self._begins)
        return said

    def reset(self, seed: int) -> None:
        """Begin an episode in every environment; `seed` fixes all starts. A step that was begun is ended first."""
        self.receive()
        observations = self.envs.reset(seed)
        everywhere = np.ones(self.num_envs, np.bool_)
        self._returns.zero_()
        self._success[:] = False
        self._push(observations, None, everywhere)
        if self.replay is not None:
            self.replay.begin(np.arange(self.num_envs), observations)

    def step(self, actions: Tensor) -> list[Finished]:
        """Step all environments with actions (N, A); gives the episodes that ended."""
        self.send(actions)
        return self.receive()

    def send(self, actions: Tensor) -> None:
        """Begin a step of all environments with actions (N, A); nothing is seen of it before `receive`."""
        self.envs.send(actions)
        self._sent = actions

    def receive(self) -> list[Finished]:
        """End the step that was begun, if one was; gives the episodes that ended."""
        if self._sent is None:
            return []
        actions, self._sent = self._sent, None
        step = self.envs.receive()
        ended = step.terminated | step.truncated
        self._returns += step.rewards
        self._success |= step.success
        finished: list[Finished] = []
        if ended.any():
            returns = self._returns.tolist()
            finished = [
                Finished(env, returns[env], bool(self._success[env]), bool(step.success[env]))
                for env in map(int, np.flatnonzero(ended))
            ]
        if self.replay is not None:
            last = step.observations if step.final is None else step.final
            self.replay.append(last, actions, step.rewards, step.terminated, step.truncated)
            if finished:
                self.replay.begin(np.flatnonzero(ended), step.observations)
        if finished:
            self._returns[torch.from_numpy(ended).to(self.device)] = 0.0
            self._success[ended] = False
        self._push(
            step.observations, Past(actions, step.rewards, torch.zeros_like(step.rewards, dtype=torch.bool)), ended
        )
        return finished

    def state(self) -> SavedState:
        """Everything between two steps, the replay left out. A step that was begun is ended first."""
        self.receive()
        windows, past = self.windows, self.windows.past
        return {
            "state": windows.state,
            "image": None if windows.image is None else windows.image.all,
            "past": None if past is None else {"actions": past.actions, "rewards": past.rewards, "padded": past.padded},
            "returns": self._returns,
            "success": self._success,
            "memory": None if self._memory is None else list(self._memory),
            "begins": self._begins,
            "envs": self.envs.snapshot(),
        }

    def load(self, state: SavedState, seed: int) -> bool:
        """Go on from there, in environments that were reset; gives whether in mid-episode. Where the environments could
        not say where they stood, episodes begin anew, fixed by `seed`."""
        if state["envs"] is None:
            self._memory = None
            self.reset(seed)
            return False
        here = self.device
        image, past = state["image"], state["past"]
        self.windows = Windows(
            state["state"].to(here),
            None if image is None else Pictures.of(image.to(here)),
            None
            if past is None
            else Past(past["actions"], past["rewards"], past["padded"]).map(lambda part: part.to(here)),
        )
        self._returns, self._success = state["returns"].to(here), state["success"]
        self._memory = None if state["memory"] is None else tuple(part.to(here) for part in state["memory"])
        self._begins = state["begins"].to(here)
        self.envs.restore(state["envs"])
        return True

    def _push(self, observations: Observations, past: Past | None, reset: np.ndarray) -> None:
        """Move each window by one step; where an episode begins, fill it with the first observation."""
        history = self.windows.past
        if history is not None and past is None:
            past = Past(*(torch.zeros_like(part[:, 0]) for part in (history.actions, history.rewards, history.padded)))
        self._begins = torch.from_numpy(reset).to(self.device)
        self.windows = moved(self.windows, observations, past, self._begins if reset.any() else None)


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


@dataclass(frozen=True)
class Episodes:
    """What came of whole episodes, and the environment steps they took in all."""

    finished: list[Finished]
    steps: int

    @property
    def returns(self) -> np.ndarray:
        """Their returns."""
        return np.asarray([episode.total for episode in self.finished])


def deterministic(actor: Actor) -> Policy:
    """The policy of an actor without exploration."""
    return lambda interaction: interaction.consult(actor).mode()


def run_episodes(interaction: Interaction, policy: Policy, count: int, seed: int) -> Episodes:
    """Run `count` episodes from starts that `seed` fixes, each environment its share; every step is counted."""
    num_envs = interaction.num_envs
    shares = [count // num_envs + (env < count % num_envs) for env in range(num_envs)]
    done: list[list[Finished]] = [[] for _ in shares]
    steps = 0
    interaction.reset(seed)
    while any(len(episodes) < share for episodes, share in zip(done, shares, strict=True)):
        with torch.no_grad():
            actions = policy(interaction)
        for episode in interaction.step(actions):
            done[episode.env].append(episode)
        steps += num_envs
    # A fixed share of each environment, not the first episodes to end: short episodes must not crowd out long ones.
    kept = [episode for episodes, share in zip(done, shares, strict=True) for episode in episodes[:share]]
    return Episodes(kept, steps)
