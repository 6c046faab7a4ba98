"""Evaluation: whole episodes of the deterministic policies, always from the same starts."""

import torch
from torch import Tensor

from acceltui.engine.build import Parts
from acceltui.engine.interaction import Policy, run_episodes


class Evaluator:
    """Environments of its own, and a count of the steps that evaluating takes."""

    def __init__(self, parts: Parts) -> None:
        self._section = parts.recipe.evaluation
        self._interaction = parts.evaluating(self._section.num_envs)
        self._actions = parts.spaces.action
        self.steps = 0

    def evaluate(self, name: str, policy: Policy) -> dict[str, float]:
        """Return of `policy` over the recipe's episodes, as metrics that begin with `name`."""
        episodes = run_episodes(self._interaction, policy, self._section.episodes, self._section.seed)
        self.steps += episodes.steps
        return {
            f"{name}/return": float(episodes.returns.mean()),
            f"{name}/std": float(episodes.returns.std()),
            f"{name}/episodes": len(episodes.returns),
        }

    def random(self) -> dict[str, float]:
        """Return of uniformly random actions: the zero from which shares are measured."""
        generator = torch.Generator().manual_seed(self._section.seed)

        def act(windows: Tensor) -> Tensor:
            return torch.rand(len(windows), self._actions, generator=generator) * 2 - 1

        return self.evaluate("random", act)
