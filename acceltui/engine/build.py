"""From a recipe to the parts of a run, and from one stage to the next."""

from gymnasium.vector import AsyncVectorEnv, VectorEnv

from acceltui.engine.device import prepare_device
from acceltui.engine.envs.gymnasium_env import look_at_spaces, make_envs
from acceltui.engine.interaction import Interaction
from acceltui.engine.learners.clone import BehaviourCloning
from acceltui.engine.learners.optimize import frozen_copy
from acceltui.engine.learners.td3 import TD3, TargetedCritic
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.build import build_actor, build_critic
from acceltui.engine.replay import Replay
from acceltui.engine.stages import Accelerate, Cloning, Draws, OffPolicy, OnlineStage
from acceltui.recipe.schema import TD3 as Algorithm
from acceltui.recipe.schema import Recipe


class Parts:
    """What both stages share: environments, networks, generators. Raises SetupError where the recipe cannot be had."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.spaces = look_at_spaces(recipe.env)
        self._made: list[VectorEnv] = []
        self.device = prepare_device(recipe.engine, recipe.seed)
        self.draws = Draws.seeded(recipe.seed, self.device)
        sizes = self.spaces.observation, self.spaces.action
        self.accelerator = build_actor(recipe.accelerator, *sizes).to(self.device).eval()
        self.transformer = build_actor(recipe.transformer, *sizes).to(self.device).eval()
        self.critic = TargetedCritic(
            build_critic(recipe.critic, *sizes).to(self.device),
            recipe.critic.learning_rate or recipe.algorithm.learning_rate,
        )

    def training(self, capacity: int) -> Interaction:
        """The training environments, begun, with a replay for `capacity` transitions."""
        num_envs = self.recipe.env.num_envs
        replay = self.replay(capacity, num_envs)
        interaction = self.evaluating(num_envs, replay)
        interaction.reset(self.recipe.seed)
        return interaction

    def evaluating(self, num_envs: int, replay: Replay | None = None) -> Interaction:
        """Environments for whole episodes of a deterministic policy."""
        self._made.append(make_envs(self.recipe.env, num_envs))
        return Interaction(self._made[-1], self.recipe.window, self.device, replay)

    def close(self) -> None:
        """End the environments, and the processes of those that have one."""
        for envs in self._made:
            if isinstance(envs, AsyncVectorEnv):
                # Where one has died, the others cannot be asked.
                envs.close(terminate=not all(process.is_alive() for process in envs.processes))
            else:
                envs.close()

    def replay(self, capacity: int, num_envs: int) -> Replay:
        """An empty replay."""
        sizes = self.spaces.observation, self.spaces.action
        return Replay(capacity, num_envs, *sizes, self.recipe.window, str(self.device))

    def learner(self, actor: Actor, algorithm: Algorithm, learning_rate: float | None) -> TD3:
        """A learner for `actor` on the shared critic, its target a hard copy."""
        always = self.recipe.env.bootstrap == "always"
        return TD3(actor, self.critic, algorithm, learning_rate or algorithm.learning_rate, always)

    def accelerate(self) -> Accelerate:
        """Stage accelerate from nothing."""
        recipe = self.recipe
        learner = self.learner(self.accelerator, recipe.algorithm, recipe.accelerator.learning_rate)
        interaction = self.training(recipe.accelerator.replay)
        off_policy = OffPolicy(learner, interaction, recipe.algorithm, self.draws)
        if recipe.method == "accelerator":
            return Accelerate(off_policy, None)
        rate = recipe.transformer.learning_rate or recipe.algorithm.learning_rate
        cloning = BehaviourCloning(self.transformer, rate, recipe.clone.ascent)
        source, rollouts = off_policy.replay, None
        if recipe.clone.from_ == "rollouts":
            num_envs = min(recipe.evaluation.num_envs, recipe.clone.rollouts.episodes)
            source = self.replay(recipe.clone.newest, num_envs)
            rollouts = self.evaluating(num_envs, source)
        return Accelerate(off_policy, Cloning(cloning, learner, source, rollouts, recipe.clone, self.draws))

    def switch(self, stage: Accelerate, step: int) -> OnlineStage:
        """Stage online after `stage`: the transformer takes the accelerator's place in the same environments.

        Its target is a hard copy and its optimizer fresh; critic, critic's target and critic's optimizer stay; the
        replay becomes `online.replay` large and keeps the newest `online.seed_replay` transitions.
        """
        recipe, algorithm = self.recipe, self.recipe.online_algorithm
        interaction = stage.off_policy.interaction
        interaction.replay = stage.off_policy.replay.newest(recipe.online.seed_replay, recipe.online.replay)
        for group in self.critic.optimizer.param_groups:
            group["lr"] = recipe.critic.learning_rate or algorithm.learning_rate
        learner = self.learner(self.transformer, algorithm, recipe.transformer.learning_rate)
        off_policy = OffPolicy(learner, interaction, algorithm, self.draws)
        return OnlineStage(off_policy, frozen_copy(self.accelerator), recipe.online, begins=step)

    def scratch(self) -> OnlineStage:
        """Stage online from nothing: the baseline without an accelerator."""
        recipe, algorithm = self.recipe, self.recipe.online_algorithm
        learner = self.learner(self.transformer, algorithm, recipe.transformer.learning_rate)
        off_policy = OffPolicy(learner, self.training(recipe.online.replay), algorithm, self.draws)
        return OnlineStage(off_policy, None, recipe.online, begins=0)
