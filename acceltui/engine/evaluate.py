"""Evaluation: whole episodes of the deterministic policies, always from the same starts."""

import numpy as np
from torch import Tensor

from acceltui.engine.build import Parts
from acceltui.engine.interaction import Interaction, Policy, run_episodes
from acceltui.engine.off_policy import random_actions


class Evaluator:
    """Environments of its own, and a count of the steps that evaluating takes."""

    def __init__(self, parts: Parts) -> None:
        self._section = parts.recipe.evaluation
        self._interaction = parts.evaluating(self._section.num_envs)
        self._succeeds = parts.spaces.succeeds
        self.steps = 0

    def evaluate(self, name: str, policy: Policy) -> dict[str, float]:
        """Return of `policy` over the recipe's episodes, as metrics that begin with `name`."""
        episodes = run_episodes(self._interaction, policy, self._section.episodes, self._section.seed)
        self.steps += episodes.steps
        values = {
            f"{name}/return": float(episodes.returns.mean()),
            f"{name}/std": float(episodes.returns.std()),
            f"{name}/episodes": len(episodes.finished),
        }
        if self._succeeds:
            values[f"{name}/success"] = float(np.mean([episode.success for episode in episodes.finished]))
            at_end = float(np.mean([episode.success_at_end for episode in episodes.finished]))
            values[f"{name}/success_at_end"] = at_end
        return values

    def random(self) -> dict[str, float]:
        """Return of uniformly random actions: the zero from which shares are measured."""
        generator = np.random.default_rng(self._section.seed)

        def act(interaction: Interaction) -> Tensor:
            return random_actions(interaction, generator)

        return self.evaluate("random", act)
