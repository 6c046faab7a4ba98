"""The two stages: one learner, two actors (arXiv 2509.26137, section 3).

Accelerate: the accelerator acts and learns, the transformer clones it. Online: the transformer acts and learns.
`advance` is one step of all environments and the updates owed for it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from acceltui.engine.interaction import Interaction, run_episodes
from acceltui.engine.learners.clone import BehaviourCloning
from acceltui.engine.learners.td3 import TD3
from acceltui.engine.meter import Meter
from acceltui.engine.networks.actor import Actor
from acceltui.engine.replay import Replay
from acceltui.recipe.schema import TD3 as Algorithm
from acceltui.recipe.schema import Clone, Online


@dataclass(frozen=True)
class Draws:
    """The random generators of a run, one for each use, so that no use disturbs another."""

    exploration: np.random.Generator
    replay: np.random.Generator
    cloning: np.random.Generator
    noise: torch.Generator
    """On the device."""

    @classmethod
    def seeded(cls, seed: int, device: torch.device) -> "Draws":
        """Generators that depend on the seed alone."""
        *numpy_seeds, noise = np.random.SeedSequence(seed).spawn(4)
        exploration, replay, cloning = map(np.random.default_rng, numpy_seeds)
        on_device = torch.Generator(device).manual_seed(int(noise.generate_state(1)[0]))
        return cls(exploration, replay, cloning, on_device)


class Due:
    """Turns a rate (updates for each step) into whole updates; fractions accumulate."""

    def __init__(self, rate: float) -> None:
        self.rate, self._owed = rate, 0.0

    def after(self, steps: int) -> int:
        """Updates owed now that `steps` more were taken."""
        self._owed += self.rate * steps
        whole = int(self._owed + 1e-9)
        self._owed -= whole
        return whole


class OffPolicy:
    """Exploration and off-policy updates, for any learner's actor."""

    def __init__(self, learner: TD3, interaction: Interaction, algorithm: Algorithm, draws: Draws) -> None:
        assert interaction.replay is not None
        self.learner, self.interaction, self.algorithm, self.draws = learner, interaction, algorithm, draws
        self.replay: Replay = interaction.replay
        self.meter = Meter()
        self.updates = 0
        """Critic updates so far."""
        self._due = Due(algorithm.updates_per_step)

    def explore(self, at_random: bool) -> None:
        """Step all environments with uniformly random actions, or the policy's with Gaussian noise."""
        interaction = self.interaction
        if at_random:
            shape = (interaction.num_envs, *interaction.envs.single_action_space.shape)  # type: ignore[misc]
            drawn = self.draws.exploration.uniform(-1, 1, shape).astype(np.float32)
            actions = torch.from_numpy(drawn).to(interaction.device)
        else:
            with torch.no_grad():
                actions = self.learner.actor(interaction.windows)
                actions = (actions + self.algorithm.exploration_noise * self.standard_normal(actions)).clamp(-1, 1)
        interaction.step(actions)

    def learn(self, teacher: Actor | None = None, cloning: float = 0.0, actor_learns: bool = True) -> None:
        """The updates owed for the step just taken; `teacher` adds its cloning term to the actor's."""
        if self.replay.size < self.algorithm.batch_size:
            return
        for _ in range(self._due.after(self.interaction.num_envs)):
            batch = self.replay.sample(self.algorithm.batch_size, self.draws.replay)
            self.meter.add(self.learner.update_critic(batch, self.standard_normal(batch.actions)))
            self.updates += 1
            if self.updates % self.algorithm.policy_delay == 0:
                if actor_learns:
                    actions = teacher(batch.windows) if teacher is not None else None
                    self.meter.add(self.learner.update_actor(batch, actions, cloning))
                else:
                    self.learner.move_targets()

    def standard_normal(self, like: Tensor) -> Tensor:
        """Noise of the shape of `like`, from the run's own generator."""
        return torch.randn(like.shape, generator=self.draws.noise, device=like.device)


class Accelerate:
    """Stage accelerate; without `cloning` it is the baseline `method: accelerator`."""

    name = "accelerate"

    def __init__(self, off_policy: OffPolicy, cloning: "Cloning | None") -> None:
        self.off_policy, self.cloning = off_policy, cloning

    def advance(self, step: int) -> None:
        """One step of all environments, the accelerator's updates, the transformer's; `step` were taken before."""
        at_random = step < self.off_policy.algorithm.random_steps
        self.off_policy.explore(at_random)
        if not at_random:
            self.off_policy.learn()
            if self.cloning is not None:
                self.cloning.learn(self.off_policy.interaction.num_envs)


class Cloning:
    """The transformer's updates in stage accelerate, and where their windows come from."""

    def __init__(
        self,
        learner: BehaviourCloning,
        accelerator: TD3,
        source: Replay,
        rollouts: Interaction | None,
        section: Clone,
        draws: Draws,
    ) -> None:
        """`source` holds the windows; with `rollouts`, it is those environments' own replay."""
        self.learner, self.accelerator, self.section, self.draws = learner, accelerator, section, draws
        self.source, self.rollouts = source, rollouts
        self.meter = Meter()
        self._due = Due(section.updates_per_step)

    @property
    def windows(self) -> int:
        """Windows that cloning may draw from."""
        return min(self.source.size, self.section.newest)

    def learn(self, steps: int) -> None:
        """The updates owed for `steps` environment steps."""
        if self.windows < self.section.batch_size:
            return
        for _ in range(self._due.after(steps)):
            batch = self.source.sample(self.section.batch_size, self.draws.cloning, self.section.newest)
            # A rollout's action is the deterministic accelerator's own; the replay's carries noise and is old.
            actions = batch.actions
            if self.rollouts is None:
                with torch.no_grad():
                    actions = self.accelerator.actor(batch.windows)
            self.meter.add(self.learner.update(batch.windows, actions, self.accelerator.critic.critic))

    def collect(self, seed: int) -> int:
        """Let the deterministic accelerator play episodes into `source`; gives the environment steps it took."""
        assert self.rollouts is not None
        return run_episodes(self.rollouts, self.accelerator.actor, self.section.rollouts.episodes, seed).steps


class OnlineStage:
    """Stage online; without `teacher` it is the baseline `method: scratch`."""

    name = "online"

    def __init__(self, off_policy: OffPolicy, teacher: Actor | None, section: Online, begins: int) -> None:
        self.off_policy, self.teacher, self.section, self.begins = off_policy, teacher, section, begins

    def advance(self, step: int) -> None:
        """One step of all environments and the transformer's updates; `step` were taken before, over both stages."""
        if self.teacher is None:
            at_random = step < self.off_policy.algorithm.random_steps
            self.off_policy.explore(at_random)
            if not at_random:
                self.off_policy.learn()
            return
        age = step - self.begins
        fading = 1 - age / self.section.clone_fade if age < self.section.clone_fade else 0.0
        self.off_policy.explore(at_random=False)
        self.off_policy.learn(
            teacher=self.teacher if fading else None, cloning=fading, actor_learns=age >= self.section.critic_warmup
        )
