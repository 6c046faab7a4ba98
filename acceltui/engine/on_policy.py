"""Acting and learning with an algorithm that learns from its own newest steps alone."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acceltui.engine.draws import Draws
from acceltui.engine.interaction import Interaction
from acceltui.engine.learners.cloning_loss import Kind
from acceltui.engine.learners.ppo import PPO, Minibatch, generalized_advantages
from acceltui.engine.meter import Meter
from acceltui.engine.networks.actor import Actor
from acceltui.engine.replay import Replay
from acceltui.engine.state import State
from acceltui.engine.stopwatch import Stopwatch
from acceltui.recipe.schema import PPO as PPOSection


class Rollout:
    """What was thought while T steps were taken in each of N environments; the frames of it lie in the replay."""

    def __init__(self, steps: int, num_envs: int, device: torch.device) -> None:
        self.steps, self.num_envs, self.taken = steps, num_envs, 0
        self.frames = np.zeros((steps, num_envs), np.int64)
        """Numbers, in the ring of each environment, of the frames acted on."""
        self.parts = parts = torch.zeros(6, steps, num_envs, device=device)
        self.log_probs, self.values, self.rewards, self.terminated, self.ended, self.next_values = parts.unbind()
        """(T, N) each; flags are 0 or 1, `ended` also at a time limit."""

    @property
    def full(self) -> bool:
        """Whether all steps are taken."""
        return self.taken == self.steps

    def advantages(self, discount: float, gae_lambda: float, bootstrap_always: bool) -> Tensor:
        """(T, N); with `bootstrap_always`, an episode that terminated has a value at its end as well."""
        terminated = torch.zeros_like(self.terminated) if bootstrap_always else self.terminated
        return generalized_advantages(
            self.rewards, self.values, self.next_values, terminated, self.ended, discount, gae_lambda
        )


class OnPolicy:
    """Rollouts and the updates on them, for PPO's actor; with the surface of `OffPolicy`.

    Pictures are not shifted at random here: the ratio would take the shift for a change of the policy.
    """

    random_steps = 0

    def __init__(
        self,
        learner: PPO,
        interaction: Interaction,
        algorithm: PPOSection,
        draws: Draws,
        bootstrap_always: bool,
        stopwatch: Stopwatch,
    ) -> None:
        """The replay of `interaction` must hold the frames of a rollout, as the recipe's checks see to."""
        assert interaction.replay is not None
        self.learner, self.interaction, self.algorithm, self.draws = learner, interaction, algorithm, draws
        self.bootstrap_always, self.stopwatch = bootstrap_always, stopwatch
        self.replay: Replay = interaction.replay
        self.meter = Meter()
        self.updates = 0
        """Minibatches so far."""
        self.rollout = Rollout(algorithm.rollout_steps, interaction.num_envs, interaction.device)
        self._envs = np.arange(interaction.num_envs)

    def explore(self, at_random: bool = False) -> None:
        """Step all environments with actions drawn from the policy, and add the step to the rollout."""
        assert not at_random, "an action that the policy did not choose teaches it nothing"
        interaction, rollout, step = self.interaction, self.rollout, self.rollout.taken
        rollout.frames[step] = self.replay.newest_frames
        noise = self.draws.standard_normal(interaction.num_envs, self.learner.noise)
        actions, rollout.log_probs[step] = self.learner.act(interaction.windows, noise)
        rollout.values[step] = self.learner.critic(interaction.windows)
        if step:
            rollout.next_values[step - 1] += rollout.values[step] * (1 - rollout.ended[step - 1])
        finished = interaction.step(actions)
        came = self.replay.gather(self._envs, rollout.frames[step])
        rollout.rewards[step], rollout.terminated[step] = came.rewards, came.terminated
        rollout.ended[step], rollout.next_values[step] = 0.0, 0.0
        rollout.taken += 1
        if finished:
            rows = torch.tensor([episode.env for episode in finished], device=interaction.device)
            rollout.ended[step, rows] = 1.0
            # The windows of these environments have begun the next episode; the replay has the end of the last.
            rollout.next_values[step, rows] = self.learner.critic(came.next_windows.rows(rows))
        if rollout.full:
            rollout.next_values[step] += self.learner.critic(interaction.windows) * (1 - rollout.ended[step])

    def learn(
        self, teacher: Actor | None = None, cloning: float = 0.0, kind: Kind = "mse", actor_learns: bool = True
    ) -> None:
        """All updates on a rollout that is full, which is then begun anew; before, nothing.

        `teacher` adds its cloning term to the actor's.
        """
        if not self.rollout.full:
            return
        algorithm = self.algorithm
        advantages = self.rollout.advantages(algorithm.discount, algorithm.gae_lambda, self.bootstrap_always)
        for _ in range(algorithm.epochs):
            for batch in self.minibatches(advantages):
                self.meter.add(self.learner.update_critic(batch))
                if actor_learns:
                    noise = self.draws.standard_normal(len(batch.windows), self.learner.noise)
                    self.meter.add(self.learner.update_actor(batch, noise, teacher, cloning, kind))
                self.updates += 1
        self.rollout.taken = 0

    def state(self) -> State:
        """Everything between two steps, the replay left out."""
        rollout = self.rollout
        return {
            "interaction": self.interaction.state(),
            "learner": self.learner.state(),
            "meter": self.meter.state(),
            "updates": self.updates,
            "rollout": {"taken": rollout.taken, "frames": rollout.frames, "parts": rollout.parts},
        }

    def load(self, state: State, seed: int) -> bool:
        """Go on from there; a rollout whose episodes were lost begins anew."""
        self.learner.load(state["learner"])
        self.meter.load(state["meter"], self.interaction.device)
        self.updates = state["updates"]
        if not self.interaction.load(state["interaction"], seed):
            return False
        rollout, then = self.rollout, state["rollout"]
        rollout.taken = then["taken"]
        rollout.frames[...] = then["frames"]
        rollout.parts.copy_(then["parts"])
        return True

    def hold(self, replay: Replay) -> None:
        """Learn from another replay, which all frames go to from now on."""
        self.replay = self.interaction.replay = replay

    def minibatches(self, advantages: Tensor) -> Iterator[Minibatch]:
        """One pass over the rollout in random order, in parts as even as can be: a small rest would be mostly noise."""
        rollout = self.rollout
        count = rollout.steps * rollout.num_envs
        order = self.draws.replay.permutation(count)
        log_probs, advantages = rollout.log_probs.flatten(), advantages.flatten()
        returns = advantages + rollout.values.flatten()
        frames, envs = rollout.frames.reshape(-1), np.tile(self._envs, rollout.steps)
        picked: NDArray[np.int64]
        for picked in np.array_split(order, -(-count // self.algorithm.batch_size)):
            seen = self.replay.gather(envs[picked], frames[picked])
            rows = torch.from_numpy(picked).to(log_probs.device)
            yield Minibatch(seen.windows, seen.actions, log_probs[rows], advantages[rows], returns[rows])
