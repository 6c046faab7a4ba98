"""A record of everything actors saw and did, kept beside the replay and by other means, to hold the replay against."""

from dataclasses import dataclass

import numpy as np
import torch
from counting_env import HEIGHT, SCALE, WIDTH, Counting, counting_spaces
from gymnasium.vector import SyncVectorEnv
from torch import Tensor

from acceltui.engine.envs.vector import GymnasiumVector
from acceltui.engine.interaction import Interaction
from acceltui.engine.replay import Batch, Replay
from acceltui.engine.windows import Past, Pictures, Windows

Key = tuple[int, int, int]
"""Environment, episode, step."""
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Moment:
    """One transition: the window shown to the actor, and what came of its action. Windows are of one row."""

    window: Windows
    action: Tensor
    reward: float
    next_window: Windows
    terminated: float


def key_of(observation: Tensor) -> Key:
    """Where an observation of `Counting` comes from."""
    number, episode, step = (observation * SCALE).tolist()
    return int(number), int(episode), int(step)


def keys_of(windows: Windows) -> list[Key]:
    """Where the newest observation of each window comes from."""
    return [key_of(newest) for newest in windows.state[:, -1]]


def picture_of(key: Key) -> Tensor:
    """What `Counting` shows there, (3, height, width)."""
    down, right = torch.arange(HEIGHT).view(1, -1, 1), torch.arange(WIDTH).view(1, 1, -1)
    return (down * WIDTH + right + torch.tensor(key).view(3, 1, 1)).to(torch.uint8)


def row(windows: Windows, index: int) -> Windows:
    return windows.map(lambda part: part[index : index + 1].clone())


def same(one: Windows, other: Windows) -> bool:
    """Whether windows are equal to the bit, in the same parts."""
    return parts(one).keys() == parts(other).keys() and all(
        torch.equal(part, parts(other)[name]) for name, part in parts(one).items()
    )


def parts(windows: Windows) -> dict[str, Tensor]:
    found = {"state": windows.state}
    if windows.image is not None:
        found["image"] = windows.image.all
    if windows.past is not None:
        found |= {"actions": windows.past.actions, "rewards": windows.past.rewards, "padded": windows.past.padded}
    return found


class Witness:
    """Acts at random in `Counting` environments."""

    def __init__(self, envs: SyncVectorEnv, window: int, capacity: int, past: bool = False) -> None:
        self.simulated = [env.unwrapped for env in envs.envs]
        pictures = self.own(0).pictures
        spaces = counting_spaces(pictures)
        replay = Replay(capacity, envs.num_envs, spaces, window, CPU, past)
        self.interaction = Interaction(GymnasiumVector(envs, spaces, CPU), window, CPU, replay, past)
        self.generator = np.random.default_rng(0)
        self.moments: dict[Key, Moment] = {}
        self.histories: list[list[Key]] = [[] for _ in range(envs.num_envs)]
        self.interaction.reset(seed=0)

    @property
    def replay(self) -> Replay:
        assert self.interaction.replay is not None
        return self.interaction.replay

    def own(self, number: int) -> Counting:
        own = self.simulated[number]
        assert isinstance(own, Counting)
        return own

    def play(self, steps: int) -> None:
        """Take random actions and write down what the environments, asked one by one, say of them."""
        for _ in range(steps):
            windows = self.interaction.windows
            actions = torch.from_numpy(self.generator.uniform(-1, 1, (len(windows), 2)).astype(np.float32))
            for number in range(len(self.simulated)):
                own = self.own(number)
                key = (number, own.episode, own.taken)
                last = own.taken + 1 == own.lengths[own.episode % len(own.lengths)]
                window, reward = row(windows, number), float(own.total + 1)
                self.moments[key] = Moment(
                    window=window,
                    action=actions[number],
                    reward=reward,
                    next_window=followed(window, (number, own.episode, own.taken + 1), actions[number], reward),
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
        keys = keys_of(batch.windows)
        for index, key in enumerate(keys):
            moment = self.moments[key]
            assert same(row(batch.windows, index), moment.window), key
            assert same(row(batch.next_windows, index), moment.next_window), key
            assert torch.equal(batch.actions[index], moment.action), key
            assert batch.rewards[index].item() == moment.reward, key
            assert batch.terminated[index].item() == moment.terminated, key
        return set(keys)

    def drawn(self, newest: int | None = None) -> set[Key]:
        """All that can be drawn from the replay, each drawn about forty times, and confirmed."""
        return self.confirms(self.replay.sample(40 * self.replay.size, np.random.default_rng(1), newest))


def followed(window: Windows, key: Key, action: Tensor, reward: float) -> Windows:
    """A window one step later, when `action` has led to `key`."""

    def push(part: Tensor, newest: Tensor) -> Tensor:
        return torch.cat((part[:, 1:], newest[None, None]), dim=1)

    past = window.past
    return Windows(
        push(window.state, torch.tensor(key) / SCALE),
        None if window.image is None else Pictures.of(push(window.image.all, picture_of(key))),
        None
        if past is None
        else Past(
            push(past.actions, action), push(past.rewards, torch.tensor(reward)), push(past.padded, torch.tensor(False))
        ),
    )
