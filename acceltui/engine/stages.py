"""The two stages: one learner, two actors (arXiv 2509.26137, section 3).

Accelerate: the accelerator acts and learns, the transformer clones it. Online: the transformer acts and learns.
`advance` is one step of all environments and the updates owed for it.
"""

from collections.abc import Mapping
from typing import Protocol

from acceltui.engine.augment import Augment
from acceltui.engine.draws import Draws
from acceltui.engine.interaction import Interaction, deterministic, run_episodes
from acceltui.engine.learners.clone import BehaviourCloning
from acceltui.engine.learners.cloning_loss import Kind
from acceltui.engine.learners.ppo import PPO
from acceltui.engine.learners.sac import SAC
from acceltui.engine.learners.td3 import TD3
from acceltui.engine.meter import Meter
from acceltui.engine.networks.actor import Actor
from acceltui.engine.off_policy import Due
from acceltui.engine.own_critic import OwnCritic
from acceltui.engine.replay import Replay
from acceltui.engine.state import State, load_optimizer, optimizer_state
from acceltui.engine.stopwatch import Stopwatch
from acceltui.engine.updates import Updates
from acceltui.recipe.schema import Clone, Online


class Learning(Protocol):
    """What a stage needs of the algorithm that acts and learns in it."""

    interaction: Interaction
    replay: Replay
    meter: Meter
    stopwatch: Stopwatch
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
        learning, stopwatch = self.learning, self.learning.stopwatch
        at_random = step < learning.random_steps
        stopwatch.turn("environment")
        learning.explore(at_random)
        if not at_random:
            stopwatch.turn("update")
            learning.learn()
            if self.cloning is not None:
                stopwatch.turn("cloning")
                self.cloning.learn(learning.interaction.num_envs)
        stopwatch.turn("idle")


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
        learning, stopwatch = self.learning, self.learning.stopwatch
        at_random = self.teacher is None and step < learning.random_steps
        stopwatch.turn("environment")
        learning.explore(at_random)
        stopwatch.turn("update")
        if self.teacher is not None:
            age = step - self.begins
            fading = 1 - age / self.section.clone_fade if age < self.section.clone_fade else 0.0
            teacher = self.teacher if fading else None
            learning.learn(teacher, fading, self.kind, actor_learns=age >= self.section.critic_warmup)
        elif not at_random:
            learning.learn()
        stopwatch.turn("idle")


Stage = Accelerate | OnlineStage
