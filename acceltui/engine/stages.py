"""The two stages: one learner, two actors (arXiv 2509.26137, section 3).

Accelerate: the accelerator acts and learns, the transformer clones it. Online: the transformer acts and learns.
`advance` is one step of all environments and the updates owed for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from acceltui.engine.augment import Augment
from acceltui.engine.interaction import Interaction, deterministic, run_episodes
from acceltui.engine.learners.clone import BehaviourCloning
from acceltui.engine.learners.cloning_loss import Kind
from acceltui.engine.learners.ppo import PPO
from acceltui.engine.learners.sac import SAC
from acceltui.engine.learners.td3 import TD3
from acceltui.engine.meter import Meter
from acceltui.engine.networks.actor import Actor
from acceltui.engine.own_critic import OwnCritic
from acceltui.engine.replay import Replay
from acceltui.engine.state import State, generator_state, load_optimizer, optimizer_state
from acceltui.engine.updates import Updates
from acceltui.recipe.schema import SAC as SACSection
from acceltui.recipe.schema import TD3 as TD3Section
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

    def standard_normal(self, rows: int, columns: int) -> Tensor:
        """Noise (rows, columns) on the device."""
        return torch.randn(rows, columns, generator=self.noise, device=self.noise.device)

    def state(self) -> State:
        """Where each stands, and torch's own generators, which dropout draws from."""
        return {
            "exploration": generator_state(self.exploration),
            "replay": generator_state(self.replay),
            "cloning": generator_state(self.cloning),
            "noise": self.noise.get_state(),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self.noise.device) if self.noise.device.type == "cuda" else None,
        }

    def load(self, state: State) -> None:
        """Go on from there; noise drawn on another kind of device than then begins as it was seeded."""
        for name in ("exploration", "replay", "cloning"):
            getattr(self, name).bit_generator.state = state[name]
        torch.set_rng_state(state["torch"])
        on_gpu = self.noise.device.type == "cuda"
        if on_gpu == (state["cuda"] is not None):
            self.noise.set_state(state["noise"])
            if on_gpu:
                torch.cuda.set_rng_state(state["cuda"], self.noise.device)


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


class Learning(Protocol):
    """What a stage needs of the algorithm that acts and learns in it."""

    interaction: Interaction
    replay: Replay
    meter: Meter
    updates: int
    """Critic updates so far."""

    @property
    def learner(self) -> TD3 | SAC | PPO:
        """The actor that acts, and how it learns."""

    @property
    def random_steps(self) -> int:
        """Uniformly random actions at the start; updates begin after them."""

    def explore(self, at_random: bool) -> None:
        """Step all environments."""

    def learn(
        self, teacher: Actor | None = None, cloning: float = 0.0, kind: Kind = "mse", actor_learns: bool = True
    ) -> None:
        """The updates owed after that step; `teacher` adds its cloning term to the actor's."""

    def state(self) -> State:
        """Everything between two steps, the replay left out."""

    def load(self, state: State, seed: int) -> bool:
        """Go on from there; gives whether in mid-episode. If not, `seed` fixes the episodes that begin."""

    def hold(self, replay: Replay) -> None:
        """Learn from another replay, which all frames go to from now on."""


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
    ) -> None:
        assert interaction.replay is not None
        self.learner, self.interaction, self.algorithm, self.draws = learner, interaction, algorithm, draws
        self.augment, self.carry_out = augment, carry_out
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
        if at_random:
            actions = random_actions(interaction, self.draws.exploration)
        else:
            with torch.no_grad():
                noise = self.draws.standard_normal(interaction.num_envs, self.learner.noise)
                actions = self.learner.explore(interaction.consult(self.learner.actor), noise)
        interaction.send(actions)
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


class Accelerate:
    """Stage accelerate; without `cloning` it is the baseline `method: accelerator`."""

    name = "accelerate"

    def __init__(self, learning: Learning, cloning: "Cloning | None") -> None:
        self.learning, self.cloning = learning, cloning

    def state(self) -> State:
        """Everything between two steps, the replays left out."""
        return {
            "learning": self.learning.state(),
            "cloning": None if self.cloning is None else self.cloning.state(),
        }

    def load(self, state: State, seed: int) -> bool:
        """Go on from there."""
        if self.cloning is not None:
            self.cloning.load(state["cloning"])
        return self.learning.load(state["learning"], seed)

    @property
    def replays(self) -> dict[str, Replay]:
        """All that are held, by name."""
        held = {"accelerate": self.learning.replay}
        if self.cloning is not None and self.cloning.rollouts is not None:
            held["rollouts"] = self.cloning.source
        return held

    def hold(self, replays: Mapping[str, Replay]) -> None:
        """Put others in their place."""
        self.learning.hold(replays["accelerate"])
        if self.cloning is not None:
            self.cloning.hold(replays.get("rollouts", replays["accelerate"]))

    def advance(self, step: int) -> None:
        """One step of all environments, the accelerator's updates, the transformer's; `step` were taken before."""
        at_random = step < self.learning.random_steps
        self.learning.explore(at_random)
        if not at_random:
            self.learning.learn()
            if self.cloning is not None:
                self.cloning.learn(self.learning.interaction.num_envs)


class Cloning:
    """The transformer's updates in stage accelerate, and where their windows come from."""

    def __init__(
        self,
        learner: BehaviourCloning,
        source: Replay,
        rollouts: Interaction | None,
        section: Clone,
        draws: Draws,
        augment: Augment,
        carry_out: Updates,
        own_critic: OwnCritic | None,
    ) -> None:
        """`source` holds the windows; with `rollouts`, it is those environments' own replay."""
        self.learner, self.section, self.own_critic = learner, section, own_critic
        self.source, self.rollouts, self.draws, self.augment = source, rollouts, draws, augment
        self.carry_out = carry_out
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
        rows, noise = self.section.batch_size, self.learner.teacher.head.noise
        for _ in range(self._due.after(steps)):
            newest, run, memory = self.section.newest, self.section.segment, self.learner.transformer.segment
            sampled = self.source.sample(rows, self.draws.cloning, newest, run, memory)
            batch = self.augment(sampled, self.draws.noise)
            drawn = self.draws.standard_normal(rows, noise)
            self.meter.add(self.carry_out(self.learner.update, batch.windows, drawn))
            if self.own_critic is not None:
                noises = self.draws.standard_normal(rows, self.own_critic.learner.noise)
                self.meter.add(self.carry_out(self.own_critic.update, batch, noises))

    def state(self) -> State:
        """What goes on with the transformer, but for its weights; rollouts begin anew each time."""
        return {
            "optimizer": optimizer_state(self.learner.optimizer),
            "meter": self.meter.state(),
            "owed": self._due.owed,
            "own_critic": None if self.own_critic is None else self.own_critic.state(),
        }

    def load(self, state: State) -> None:
        """Go on from there."""
        load_optimizer(self.learner.optimizer, state["optimizer"])
        self.meter.load(state["meter"], self.draws.noise.device)
        self._due.owed = state["owed"]
        if self.own_critic is not None:
            self.own_critic.load(state["own_critic"])

    def hold(self, source: Replay) -> None:
        """Draw windows from another replay."""
        self.source = source
        if self.rollouts is not None:
            self.rollouts.replay = source

    def collect(self, seed: int) -> int:
        """Let the deterministic accelerator play episodes into `source`; gives the environment steps it took."""
        assert self.rollouts is not None
        return run_episodes(
            self.rollouts, deterministic(self.learner.teacher), self.section.rollouts.episodes, seed
        ).steps


class OnlineStage:
    """Stage online; without `teacher` it is the baseline `method: scratch`."""

    name = "online"

    def __init__(self, learning: Learning, teacher: Actor | None, section: Online, kind: Kind, begins: int) -> None:
        """`kind`: how the distance to the teacher is measured."""
        self.learning, self.teacher, self.section, self.begins = learning, teacher, section, begins
        self.kind = kind

    def state(self) -> State:
        """Everything between two steps, the replay left out."""
        return {"learning": self.learning.state()}

    def load(self, state: State, seed: int) -> bool:
        """Go on from there."""
        return self.learning.load(state["learning"], seed)

    @property
    def replays(self) -> dict[str, Replay]:
        """The one that is held, by name."""
        return {"online": self.learning.replay}

    def hold(self, replays: Mapping[str, Replay]) -> None:
        """Put another in its place."""
        self.learning.hold(replays["online"])

    def advance(self, step: int) -> None:
        """One step of all environments and the transformer's updates; `step` were taken before, over both stages."""
        if self.teacher is None:
            at_random = step < self.learning.random_steps
            self.learning.explore(at_random)
            if not at_random:
                self.learning.learn()
            return
        age = step - self.begins
        fading = 1 - age / self.section.clone_fade if age < self.section.clone_fade else 0.0
        self.learning.explore(at_random=False)
        teacher = self.teacher if fading else None
        self.learning.learn(teacher, fading, self.kind, actor_learns=age >= self.section.critic_warmup)
