"""Learners from the small recipe, and batches that no environment made."""

from collections.abc import Iterator
from typing import Any

import torch
from engine_recipes import plain_spaces, small

from acceltui.engine.envs.base import Spaces
from acceltui.engine.learners.critic import TargetedCritic
from acceltui.engine.learners.sac import SAC, EntropyCoefficient
from acceltui.engine.learners.td3 import TD3
from acceltui.engine.networks.build import build_actor, build_critic
from acceltui.engine.replay import Batch
from acceltui.engine.windows import Windows
from acceltui.recipe.schema import SAC as SACSection
from acceltui.recipe.schema import TD3 as TD3Section

STATE, ACTION, CONTEXT, ROWS = 4, 2, 2, 64
REAL = plain_spaces(STATE, ACTION)
CHOICES = Spaces(STATE, STATE, None, 3, discrete=True, low=[], high=[], episode_steps=None)


def new_learner(spaces: Spaces = REAL, **changes: Any) -> TD3 | SAC:
    """A learner of the small recipe's accelerator, the same at every call."""
    changes = {"accelerator": {"context": CONTEXT}} | changes
    recipe = small(**changes)
    section = recipe.algorithm
    torch.manual_seed(0)
    actor = build_actor(recipe.accelerator, recipe, spaces).eval()
    critic = TargetedCritic(build_critic(recipe.critic, recipe, spaces), section.learning_rate)
    if isinstance(section, SACSection):
        entropy = EntropyCoefficient(
            section.entropy, section.learning_rate, spaces.action, spaces.discrete, torch.device("cpu")
        )
        return SAC(actor, critic, entropy, section, section.learning_rate, bootstrap_always=False)
    assert isinstance(section, TD3Section)
    return TD3(actor, critic, section, section.learning_rate, bootstrap_always=False)


def batches(count: int, spaces: Spaces = REAL, ended: float = 0.2) -> Iterator[Batch]:
    """Random transitions, a share `ended` of which terminated."""
    generator = torch.Generator().manual_seed(5)
    for _ in range(count):
        frames = torch.randn(ROWS, CONTEXT + 1, spaces.state, generator=generator)
        if spaces.discrete:
            actions = torch.eye(spaces.action)[torch.randint(spaces.action, (ROWS,), generator=generator)]
        else:
            actions = torch.rand(ROWS, spaces.action, generator=generator) * 2 - 1
        yield Batch(
            Windows(frames[:, :-1]),
            actions,
            torch.randn(ROWS, generator=generator),
            Windows(frames[:, 1:]),
            (torch.rand(ROWS, generator=generator) < ended).float(),
        )


def noises(count: int, columns: int, seed: int = 7) -> list[torch.Tensor]:
    """Standard normal numbers (ROWS, columns), `count` times."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(ROWS, columns, generator=generator) for _ in range(count)]
