"""A record of everything actors saw and did, kept beside the replay and by other means, to hold the replay against."""

from dataclasses import dataclass

import numpy as np
import torch
from counting_env import SCALE, Counting
from gymnasium.vector import SyncVectorEnv, VectorEnv

from acceltui.engine.interaction import Interaction
from acceltui.engine.replay import Batch, Replay

Key = tuple[int, int, int]
"""Environment, episode, step."""


@dataclass(frozen=True)
class Moment:
    """One transition: the window shown to the actor, and what came of its action."""

    window: torch.Tensor
    action: torch.Tensor
    reward: float
    next_window: torch.Tensor
    terminated: float


def key_of(observation: torch.Tensor) -> Key:
    """Where an observation of `Counting` comes from."""
    number, episode, step = (observation * SCALE).tolist()
    return int(number), int(episode), int(step)


class Witness:
    """Acts at random in `Counting` environments."""

    def __init__(self, envs: VectorEnv, window: int, capacity: int) -> None:
        assert isinstance(envs, SyncVectorEnv)
        self.envs = envs
        replay = Replay(capacity, envs.num_envs, observation=3, action=2, window=window, device="cpu")
        self.interaction = Interaction(envs, window, torch.device("cpu"), replay)
        self.generator = np.random.default_rng(0)
        self.moments: dict[Key, Moment] = {}
        self.histories: list[list[Key]] = [[] for _ in range(envs.num_envs)]
        self.interaction.reset(seed=0)

    @property
    def replay(self) -> Replay:
        assert self.interaction.replay is not None
        return self.interaction.replay

    def play(self, steps: int) -> None:
        """Take random actions and write down what the environments, asked one by one, say of them."""
        for _ in range(steps):
            windows = self.interaction.windows.clone()
            actions = torch.from_numpy(self.generator.uniform(-1, 1, (len(windows), 2)).astype(np.float32))
            for number, env in enumerate(self.envs.envs):
                own = env.unwrapped
                assert isinstance(own, Counting)
                key = (number, own.episode, own.taken)
                after = torch.tensor([[number, own.episode, own.taken + 1]]) / SCALE
                last = own.taken + 1 == own.lengths[own.episode % len(own.lengths)]
                self.moments[key] = Moment(
                    window=windows[number],
                    action=actions[number],
                    reward=float(own.total + 1),
                    next_window=torch.cat((windows[number, 1:], after)),
                    terminated=float(last and own.episode % 2 == 0),
                )
                self.histories[number].append(key)
            self.interaction.step(actions)

    def newest(self, count: int) -> set[Key]:
        """The newest `count` transitions, over all environments equally."""
        share = count // len(self.histories)
        return {key for history in self.histories for key in history[-share:]}

    def confirms(self, batch: Batch) -> set[Key]:
        """Assert that every row of a batch is a moment, to the bit; gives which."""
        keys = [key_of(window[-1]) for window in batch.windows]
        for row, key in enumerate(keys):
            moment = self.moments[key]
            assert torch.equal(batch.windows[row], moment.window), key
            assert torch.equal(batch.next_windows[row], moment.next_window), key
            assert torch.equal(batch.actions[row], moment.action), key
            assert batch.rewards[row].item() == moment.reward, key
            assert batch.terminated[row].item() == moment.terminated, key
        return set(keys)

    def drawn(self, newest: int | None = None) -> set[Key]:
        """All that can be drawn from the replay, each drawn about forty times, and confirmed."""
        return self.confirms(self.replay.sample(40 * self.replay.size, np.random.default_rng(1), newest))
