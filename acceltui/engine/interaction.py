"""Acting in vector environments, and keeping the windows that actors see."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from acceltui.engine.replay import Replay

Policy = Callable[[Tensor], Tensor]
"""Windows (N, W, O) to actions (N, A) in [-1, 1]."""


class Interaction:
    """Vector environments, the window of each, and a replay that all frames go to.

    Sampling rebuilds the same windows from the replay: what an actor saw while acting is what it is trained on.
    """

    def __init__(self, envs: VectorEnv, window: int, device: torch.device, replay: Replay | None = None) -> None:
        self.envs, self.replay, self.device = envs, replay, device
        self.num_envs = envs.num_envs
        assert envs.single_observation_space.shape is not None
        self.windows = torch.zeros(self.num_envs, window, *envs.single_observation_space.shape, device=device)
        """(N, W, O), oldest first."""
        self.returns = np.zeros(self.num_envs)
        """Undiscounted sum of rewards of the running episodes."""

    def reset(self, seed: int) -> None:
        """Begin an episode in every environment; environment i is seeded with `seed + i`."""
        observations, _ = self.envs.reset(seed=seed)
        everywhere = np.ones(self.num_envs, np.bool_)
        self.returns[:] = 0
        self._push(observations, everywhere)
        if self.replay is not None:
            self.replay.begin(np.arange(self.num_envs), observations)

    def step(self, actions: Tensor) -> list[tuple[int, float]]:
        """Step all environments with actions (N, A); gives (environment, return) of the episodes that ended."""
        taken = actions.cpu().numpy()
        observations, rewards, terminated, truncated, info = self.envs.step(taken)
        ended = terminated | truncated
        self.returns += rewards
        finished = [(int(env), float(self.returns[env])) for env in np.flatnonzero(ended)]
        if self.replay is not None:
            last = observations
            if finished:
                last = observations.copy()
                last[ended] = np.stack(info["final_obs"][ended])
            self.replay.append(last, taken, rewards, terminated, truncated)
            if finished:
                self.replay.begin(np.flatnonzero(ended), observations[ended])
        self.returns[ended] = 0
        self._push(observations, ended)
        return finished

    def _push(self, observations: np.ndarray, reset: np.ndarray) -> None:
        newest = torch.from_numpy(observations.copy()).to(self.device).unsqueeze(1)  # (N, 1, O)
        self.windows = torch.cat((self.windows[:, 1:], newest), dim=1)
        if reset.any():
            first = torch.from_numpy(reset).to(self.device)
            self.windows = torch.where(first[:, None, None], newest, self.windows)


@dataclass(frozen=True)
class Episodes:
    """Returns of whole episodes, and the environment steps they took in all."""

    returns: np.ndarray
    steps: int


def run_episodes(interaction: Interaction, policy: Policy, count: int, seed: int) -> Episodes:
    """Run `count` episodes from starts that `seed` fixes, each environment its share; every step is counted."""
    shares = [
        count // interaction.num_envs + (env < count % interaction.num_envs) for env in range(interaction.num_envs)
    ]
    returns: list[list[float]] = [[] for _ in shares]
    steps = 0
    interaction.reset(seed)
    while any(len(done) < share for done, share in zip(returns, shares, strict=True)):
        with torch.no_grad():
            actions = policy(interaction.windows)
        for env, total in interaction.step(actions):
            returns[env].append(total)
        steps += interaction.num_envs
    # A fixed share of each environment, not the first episodes to end: short episodes must not crowd out long ones.
    kept = [total for done, share in zip(returns, shares, strict=True) for total in done[:share]]
    return Episodes(np.asarray(kept), steps)
