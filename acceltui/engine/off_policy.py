"""Acting and learning with an algorithm that learns from a replay, for any learner's actor."""

import numpy as np
import torch
from torch import Tensor

from acceltui.engine.augment import Augment
from acceltui.engine.draws import Draws
from acceltui.engine.interaction import Interaction
from acceltui.engine.learners.cloning_loss import Kind
from acceltui.engine.learners.sac import SAC
from acceltui.engine.learners.td3 import TD3
from acceltui.engine.meter import Meter
from acceltui.engine.networks.actor import Actor
from acceltui.engine.replay import Replay
from acceltui.engine.state import State
from acceltui.engine.stopwatch import Stopwatch
from acceltui.engine.updates import Updates
from acceltui.recipe.schema import SAC as SACSection
from acceltui.recipe.schema import TD3 as TD3Section


class Due:
    """Turns a rate (updates for each step) into whole updates; fractions accumulate."""

    def __init__(self, rate: float) -> None:
        self.rate, self.owed = rate, 0.0

    def after(self, steps: int) -> int:
        """Updates owed now that `steps` more were taken."""
        self.owed += self.rate * steps
        whole = int(self.owed + 1e-9)
        self.owed -= whole
        return whole


class OffPolicy:
    """Exploration and off-policy updates, for any learner's actor."""

    def __init__(
        self,
        learner: TD3 | SAC,
        interaction: Interaction,
        algorithm: TD3Section | SACSection,
        draws: Draws,
        augment: Augment,
        carry_out: Updates,
        stopwatch: Stopwatch,
    ) -> None:
        assert interaction.replay is not None
        self.learner, self.interaction, self.algorithm, self.draws = learner, interaction, algorithm, draws
        self.augment, self.carry_out, self.stopwatch = augment, carry_out, stopwatch
        # Nobody waits for a GPU's updates but the next actions, which need them: that time is the updates'.
        self._acting = "update" if interaction.device.type == "cuda" else "environment"
        self.replay: Replay = interaction.replay
        self.meter = Meter()
        self.updates = 0
        """Critic updates so far."""
        self.random_steps = algorithm.random_steps
        self._due = Due(algorithm.updates_per_step)

    def explore(self, at_random: bool) -> None:
        """Step all environments with uniformly random actions, or the policy's own exploration.

        Environments in processes of their own step while the updates are computed, which know nothing of it yet: the
        step is received when the next is due.
        """
        interaction = self.interaction
        interaction.receive()
        before = self.stopwatch.turn(self._acting)
        if at_random:
            actions = random_actions(interaction, self.draws.exploration)
        else:
            with torch.no_grad():
                noise = self.draws.standard_normal(interaction.num_envs, self.learner.noise)
                actions = self.learner.explore(interaction.consult(self.learner.actor), noise)
        interaction.send(actions)
        self.stopwatch.turn(before)
        if not interaction.envs.apart:
            interaction.receive()

    def learn(
        self, teacher: Actor | None = None, cloning: float = 0.0, kind: Kind = "mse", actor_learns: bool = True
    ) -> None:
        """The updates owed for the step just taken; `teacher` adds its cloning term to the actor's."""
        rows = self.algorithm.batch_size
        if self.replay.size < rows:
            return
        # On the device, since it fades: a captured update would see no other number than its first.
        weight = torch.full((), cloning, device=self.interaction.device)
        for _ in range(self._due.after(self.interaction.num_envs)):
            sampled = self.replay.sample(
                rows, self.draws.replay, None, self.algorithm.segment, self.learner.actor.segment
            )
            batch = self.augment(sampled, self.draws.noise)
            noise = self.draws.standard_normal(rows, self.learner.noise)
            self.meter.add(self.carry_out(self.learner.update_critic, batch, noise))
            self.updates += 1
            if self.updates % self.learner.delay == 0:
                if actor_learns:
                    noise = self.draws.standard_normal(rows, self.learner.actor_noise)
                    self.meter.add(self.carry_out(self.learner.update_actor, batch, noise, teacher, weight, kind))
                else:
                    self.learner.move_targets()

    def state(self) -> State:
        """Everything between two steps, the replay left out."""
        interaction = self.interaction.state()
        return {
            "interaction": interaction,
            "learner": self.learner.state(),
            "meter": self.meter.state(),
            "updates": self.updates,
            "owed": self._due.owed,
        }

    def load(self, state: State, seed: int) -> bool:
        """Go on from there."""
        self.learner.load(state["learner"])
        self.meter.load(state["meter"], self.interaction.device)
        self.updates, self._due.owed = state["updates"], state["owed"]
        return self.interaction.load(state["interaction"], seed)

    def hold(self, replay: Replay) -> None:
        """Learn from another replay, which all frames go to from now on."""
        self.replay = self.interaction.replay = replay


def random_actions(interaction: Interaction, generator: np.random.Generator) -> Tensor:
    """Uniformly random actions (N, A)."""
    spaces, rows = interaction.envs.spaces, interaction.num_envs
    if spaces.discrete:
        drawn = np.eye(spaces.action, dtype=np.float32)[generator.integers(0, spaces.action, rows)]
    else:
        drawn = generator.uniform(-1, 1, (rows, spaces.action)).astype(np.float32)
    return torch.from_numpy(drawn).to(interaction.device)
