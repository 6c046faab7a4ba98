"""Acting in environments: what actors see there, what they do, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from acceltui.engine.envs.base import Environments
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.heads import Distribution
from acceltui.engine.replay import Replay
from acceltui.engine.state import State
from acceltui.engine.view import View
from acceltui.engine.windows import Past, Pictures, Windows

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
        self._view = View(self.num_envs, window, envs.spaces, device, past)
        self._returns = torch.zeros(self.num_envs, device=device)
        self._success = np.zeros(self.num_envs, np.bool_)
        self._sent: Tensor | None = None

    @property
    def windows(self) -> Windows:
        """What actors see now."""
        return self._view.windows

    def consult(self, actor: Actor) -> Distribution:
        """What an actor says now; asked once a step, since a memory counts what it sees."""
        return self._view.consult(actor)

    def reset(self, seed: int) -> None:
        """Begin an episode in every environment; `seed` fixes all starts. A step that was begun is ended first."""
        self.receive()
        observations = self.envs.reset(seed)
        everywhere = np.ones(self.num_envs, np.bool_)
        self._returns.zero_()
        self._success[:] = False
        self._view.push(observations, None, everywhere)
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
        led = Past(actions, step.rewards, torch.zeros_like(step.rewards, dtype=torch.bool))
        self._view.push(step.observations, led, ended)
        return finished

    def state(self) -> State:
        """Everything between two steps, the replay left out. A step that was begun is ended first."""
        self.receive()
        windows, past = self.windows, self.windows.past
        return {
            "state": windows.state,
            "image": None if windows.image is None else windows.image.all,
            "past": None if past is None else {"actions": past.actions, "rewards": past.rewards, "padded": past.padded},
            "returns": self._returns,
            "success": self._success,
            "memory": None if self._view.memory is None else list(self._view.memory),
            "begins": self._view.begins,
            "envs": self.envs.snapshot(),
        }

    def load(self, state: State, seed: int) -> bool:
        """Go on from there, in environments that were reset; gives whether in mid-episode. Where the environments could
        not say where they stood, episodes begin anew, fixed by `seed`."""
        view = self._view
        if state["envs"] is None:
            view.memory = None
            self.reset(seed)
            return False
        here = self.device
        image, past = state["image"], state["past"]
        view.windows = Windows(
            state["state"].to(here),
            None if image is None else Pictures.of(image.to(here)),
            None
            if past is None
            else Past(past["actions"], past["rewards"], past["padded"]).map(lambda part: part.to(here)),
        )
        self._returns, self._success = state["returns"].to(here), state["success"]
        view.memory = None if state["memory"] is None else tuple(part.to(here) for part in state["memory"])
        view.begins = state["begins"].to(here)
        self.envs.restore(state["envs"])
        return True


@dataclass(frozen=True)
class Episodes:
    """What came of whole episodes."""

    finished: list[Finished]
    lengths: list[int]
    """Steps of each."""
    steps: int
    """Environment steps in all, those of episodes that nobody asked for too."""

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
    done: list[list[tuple[Finished, int]]] = [[] for _ in shares]
    taken = 0
    interaction.reset(seed)
    while any(len(episodes) < share for episodes, share in zip(done, shares, strict=True)):
        with torch.no_grad():
            actions = policy(interaction)
        taken += 1
        for episode in interaction.step(actions):
            before = done[episode.env]
            before.append((episode, taken - sum(length for _, length in before)))
    # A fixed share of each environment, not the first episodes to end: short episodes must not crowd out long ones.
    kept = [episode for episodes, share in zip(done, shares, strict=True) for episode in episodes[:share]]
    return Episodes([finished for finished, _ in kept], [length for _, length in kept], taken * num_envs)
