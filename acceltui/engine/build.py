"""From a recipe to the parts of a run, and from one stage to the next."""

from collections.abc import Callable

from torch import nn

from acceltui.engine.augment import Augment
from acceltui.engine.device import prepare_device
from acceltui.engine.draws import Draws
from acceltui.engine.envs.base import Environments
from acceltui.engine.envs.build import look_at_spaces, make_environments
from acceltui.engine.errors import SetupError
from acceltui.engine.interaction import Interaction
from acceltui.engine.learners.clone import BehaviourCloning
from acceltui.engine.learners.critic import TargetedCritic
from acceltui.engine.learners.optimize import frozen_copy
from acceltui.engine.learners.ppo import PPO, StateValue
from acceltui.engine.learners.sac import SAC, EntropyCoefficient
from acceltui.engine.learners.td3 import TD3
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.build import build_actor, build_critic, build_value
from acceltui.engine.off_policy import OffPolicy
from acceltui.engine.on_policy import OnPolicy
from acceltui.engine.own_critic import OwnCritic
from acceltui.engine.replay import Replay
from acceltui.engine.room import check_room, rollout_envs
from acceltui.engine.stages import Accelerate, Cloning, Learning, OnlineStage
from acceltui.engine.state import State, load_optimizer, optimizer_state
from acceltui.engine.stopwatch import Stopwatch
from acceltui.engine.switch import measured, metrics_named
from acceltui.engine.updates import Updates
from acceltui.recipe.schema import PPO as PPOSection
from acceltui.recipe.schema import SAC as SACSection
from acceltui.recipe.schema import TD3 as TD3Section
from acceltui.recipe.schema import CNNAccelerator, MLPAccelerator, Recipe

FRESH_STARTS = 2**31 + 2**30
"""Seeds of episodes begun at the switch, which no evaluation and no rollout has."""


class Parts:
    """What both stages share: environments, networks, generators. Raises SetupError where the recipe cannot be had."""

    def __init__(self, recipe: Recipe, tell: Callable[[str], None] = lambda message: None) -> None:
        """`tell` is given what is found out on the way."""
        self.recipe = recipe
        self.spaces = look_at_spaces(recipe.env)
        check_fit(recipe, self.spaces.image is not None, self.spaces.discrete, self.spaces.succeeds)
        self._made: list[Environments] = []
        self.device = prepare_device(recipe.engine, recipe.seed)
        check_room(recipe, self.spaces, self.device)
        self.draws = Draws.seeded(recipe.seed, self.device)
        self.carry_out = Updates(recipe.engine, self.device, tell)
        self.stopwatch = Stopwatch()
        self.augment = Augment(self.spaces.image is not None and recipe.encoder.augment == "shift")
        self.accelerator = build_actor(recipe.accelerator, recipe, self.spaces).to(self.device).eval()
        self.transformer = build_actor(recipe.transformer, recipe, self.spaces).to(self.device).eval()
        self.critic = self.new_critic()
        self.entropy: EntropyCoefficient | None = None
        if isinstance(recipe.algorithm, SACSection):
            algorithm, spaces = recipe.algorithm, self.spaces
            self.entropy = EntropyCoefficient(
                algorithm.entropy, algorithm.learning_rate, spaces.action, spaces.discrete, self.device
            )

    @property
    def networks(self) -> dict[str, nn.Module]:
        """All that a checkpoint holds, by file name."""
        networks = {
            "accelerator": self.accelerator,
            "transformer": self.transformer,
            **self.critic.networks,
        }
        return networks if self.entropy is None else networks | {"entropy": self.entropy}

    def new_critic(self) -> TargetedCritic | StateValue:
        """Twin critics, or PPO's value network, with their first weights."""
        recipe = self.recipe
        rate = recipe.critic.learning_rate or recipe.algorithm.learning_rate
        if isinstance(recipe.algorithm, PPOSection):
            return StateValue(build_value(recipe.critic, recipe, self.spaces).to(self.device), rate)
        return TargetedCritic(build_critic(recipe.critic, recipe, self.spaces).to(self.device), rate)

    def training(self, capacity: int) -> Interaction:
        """The training environments, begun, with a replay for `capacity` transitions."""
        num_envs = self.recipe.env.num_envs
        interaction = self.evaluating(num_envs, self.replay(capacity, num_envs))
        interaction.reset(self.recipe.seed)
        return interaction

    def evaluating(self, num_envs: int, replay: Replay | None = None) -> Interaction:
        """Environments for whole episodes of a deterministic policy."""
        self._made.append(make_environments(self.recipe.env, num_envs, self.spaces, self.device))
        return Interaction(self._made[-1], self.recipe.window, self.device, replay, self.recipe.sees_past)

    def close(self) -> None:
        """End the environments, and the processes of those that have one."""
        for envs in self._made:
            envs.close()

    def replay(self, capacity: int, num_envs: int) -> Replay:
        """An empty replay."""
        return Replay(capacity, num_envs, self.spaces, self.recipe.window, self.device, self.recipe.sees_past)

    def learning(
        self,
        actor: Actor,
        algorithm: TD3Section | SACSection | PPOSection,
        learning_rate: float | None,
        interaction: Interaction,
    ) -> Learning:
        """`actor` acting in environments, and learning on the critic that stays."""
        rate = learning_rate or algorithm.learning_rate
        if isinstance(algorithm, PPOSection):
            assert isinstance(self.critic, StateValue)
            always = self.recipe.env.bootstrap == "always"
            learns = PPO(actor, self.critic, algorithm, rate)
            return OnPolicy(learns, interaction, algorithm, self.draws, always, self.stopwatch)
        learner = self.learner(actor, algorithm, rate, self.critic)
        return OffPolicy(learner, interaction, algorithm, self.draws, self.augment, self.carry_out, self.stopwatch)

    def learner(
        self, actor: Actor, algorithm: TD3Section | SACSection, rate: float, critic: TargetedCritic | StateValue
    ) -> TD3 | SAC:
        """An off-policy learner for `actor` on a critic, its target a hard copy."""
        assert isinstance(critic, TargetedCritic)
        always = self.recipe.env.bootstrap == "always"
        if isinstance(algorithm, SACSection):
            assert self.entropy is not None
            learner: TD3 | SAC = SAC(actor, critic, self.entropy, algorithm, rate, always)
        else:
            learner = TD3(actor, critic, algorithm, rate, always)
            self.carry_out.prepare(learner.target.body)
        self.carry_out.prepare(actor.body, critic.critic, critic.target)
        return learner

    def accelerate(self) -> Accelerate:
        """Stage accelerate from nothing."""
        recipe, algorithm = self.recipe, self.recipe.algorithm
        interaction = self.training(recipe.accelerator.replay)
        acting = self.learning(self.accelerator, algorithm, recipe.accelerator.learning_rate, interaction)
        return Accelerate(acting, None if recipe.method == "accelerator" else self.cloning(acting.replay))

    def cloning(self, source: Replay) -> Cloning:
        """The transformer's part of stage accelerate; `source` is the accelerator's replay."""
        recipe, clone = self.recipe, self.recipe.clone
        rate = recipe.transformer.learning_rate or recipe.algorithm.learning_rate
        critic = self.critic.critic if isinstance(self.critic, TargetedCritic) else None
        self.carry_out.prepare(self.transformer.body)
        learner = BehaviourCloning(self.transformer, self.accelerator, critic, clone.loss, rate, clone.ascent)
        rollouts = None
        if clone.from_ == "rollouts":
            num_envs = rollout_envs(recipe)
            source = self.replay(clone.newest, num_envs)
            rollouts = self.evaluating(num_envs, source)
        own = None
        if clone.critic != "keep":
            algorithm = recipe.algorithm
            assert isinstance(self.critic, TargetedCritic) and not isinstance(algorithm, PPOSection)
            own = OwnCritic(
                self.learner(self.transformer, algorithm, rate, self.new_critic()),
                self.critic,
                clones="clone" in clone.critic,
                backs_up="bellman" in clone.critic,
            )
        return Cloning(
            learner,
            source,
            rollouts,
            clone,
            self.draws,
            self.augment,
            self.carry_out,
            own,
        )

    def switch(self, stage: Accelerate, step: int) -> OnlineStage:
        """Stage online after `stage`: the transformer takes the accelerator's place in the same environments.

        Its target is a hard copy and its optimizer fresh; critic, critic's target and critic's optimizer stay (or the
        transformer's own, where it has some, take their place); the replay becomes `online.replay` large and keeps the
        newest `online.seed_replay` transitions. A rollout begins anew, with the transformer's own steps.
        """
        recipe = self.recipe
        interaction = stage.learning.interaction
        self.carry_out.forget()
        interaction.receive()  # the last step belongs to what is kept
        interaction.replay = stage.learning.replay.newest(recipe.online.seed_replay, recipe.online.replay)
        if self.transformer.segment is not None:
            # A memory that has not seen an episode's beginning cannot go on with it.
            interaction.reset(FRESH_STARTS + recipe.seed % 2**29 + step % 2**29)
        if stage.cloning is not None and stage.cloning.own_critic is not None:
            self.critic = stage.cloning.own_critic.critic
        self.take_online_rates()
        return self.online(interaction, begins=step)

    def take_online_rates(self) -> None:
        """Critic and entropy coefficient, which stay over the switch, learn at stage online's rates."""
        algorithm = self.recipe.online_algorithm
        self.critic.optimizer.param_groups[0]["lr"] = self.recipe.critic.learning_rate or algorithm.learning_rate
        if self.entropy is not None:
            self.entropy.optimizer.param_groups[0]["lr"] = algorithm.learning_rate

    def scratch(self) -> OnlineStage:
        """Stage online from nothing: the baseline without an accelerator."""
        return self.online(self.training(self.recipe.online.replay), begins=0)

    def online(self, interaction: Interaction, begins: int) -> OnlineStage:
        """Stage online in environments with a replay; the accelerator, if there is one, is the teacher."""
        recipe, algorithm = self.recipe, self.recipe.online_algorithm
        acting = self.learning(self.transformer, algorithm, recipe.transformer.learning_rate, interaction)
        teacher = None if recipe.method == "scratch" else frozen_copy(self.accelerator)
        return OnlineStage(acting, teacher, recipe.online, recipe.clone.loss, begins)

    def begin(self) -> Accelerate | OnlineStage:
        """The first stage of the recipe's method."""
        return self.scratch() if self.recipe.method == "scratch" else self.accelerate()

    def rebuild(self, stage: str, begins: int) -> Accelerate | OnlineStage:
        """A stage that is to go on from a saved state; the networks' weights are there already."""
        if stage == "accelerate":
            return self.accelerate()
        if self.recipe.method == "accelerated":
            self.take_online_rates()
        return self.online(self.training(self.recipe.online.replay), begins)

    def state(self) -> State:
        """What both stages share, but for the networks' weights."""
        entropy = None if self.entropy is None else optimizer_state(self.entropy.optimizer)
        return {"critic": optimizer_state(self.critic.optimizer), "entropy": entropy, "draws": self.draws.state()}

    def load(self, state: State) -> None:
        """Go on from there; last of all, since building draws numbers too."""
        load_optimizer(self.critic.optimizer, state["critic"])
        if self.entropy is not None:
            load_optimizer(self.entropy.optimizer, state["entropy"])
        self.draws.load(state["draws"])


def check_fit(recipe: Recipe, pictures: bool, discrete: bool, succeeds: bool) -> None:
    """What only the environment shows to be wrong with a recipe."""
    kind, uses_accelerator = recipe.accelerator.kind, recipe.method != "scratch"
    for metric in metrics_named(recipe.switch) if recipe.method == "accelerated" else ():
        if measured(metric) == "success" and not succeeds:
            message = f"the rule looks at {metric}, and {recipe.env.id} reports no success"
            raise SetupError("recipe", "switch", message, "use a rule of returns")
    if discrete and recipe.algorithm.kind == "td3":
        message = f"td3 has no policy for the discrete actions of {recipe.env.id}"
        raise SetupError("recipe", "algorithm.kind", message, "use sac or ppo")
    if discrete and recipe.method == "accelerated" and recipe.clone.loss == "mse":
        message = f"the actions of {recipe.env.id} are discrete: there is no distance between them"
        raise SetupError("recipe", "clone.loss", message, "use divergence or cross_entropy")
    if discrete and recipe.clone.ascent:
        message = f"the actions of {recipe.env.id} are discrete: no gradient leads up their values"
        raise SetupError("recipe", "clone.ascent", message, "use 0")
    if discrete and recipe.transformer.head == "mixture":
        message = f"the actions of {recipe.env.id} are discrete: a mixture of Gaussians gives none"
        raise SetupError("recipe", "transformer.head", message, "use plain")
    if uses_accelerator and pictures and isinstance(recipe.accelerator, MLPAccelerator):
        raise SetupError(
            "recipe", "accelerator.kind", f"{recipe.env.id} shows pictures, and an mlp sees none", "use cnn"
        )
    if uses_accelerator and not pictures and isinstance(recipe.accelerator, CNNAccelerator):
        message = f"{recipe.env.id} shows no pictures, which a {kind} is for"
        raise SetupError("recipe", "accelerator.kind", message, "use mlp or lstm")
