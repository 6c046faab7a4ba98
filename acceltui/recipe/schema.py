"""What a recipe may say: one frozen, strict model a section, defaults included.

A field's docstring is its description in the JSON Schema that editors read. Numbers are in environment steps unless a
docstring says otherwise. Checks that need two fields at once live in `checks.py`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Section(BaseModel):
    """Base of every section: unknown keys are refused, types are not guessed, values never change."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


def integral(value: Any) -> Any:
    """Take `1e6` for a count: YAML reads it as a float, a person means 1,000,000."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Integer = Annotated[int, BeforeValidator(integral, json_schema_input_type=int)]
Count = Annotated[Integer, Field(ge=1, le=10**12)]
CountOrZero = Annotated[Integer, Field(ge=0, le=10**12)]
Size = Annotated[Integer, Field(ge=1, le=65_536)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
LearningRate = Annotated[float, Field(gt=0, le=1)]


class Engine(Section):
    """Where and how the arithmetic runs; none of it changes what is learned."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    """`auto` takes a GPU where there is one; `cpu`, `cuda` or `cuda:1` insist."""
    threads: Annotated[Integer, Field(ge=1, le=256)] = 2
    """Threads for the arithmetic: 2 for one run on a machine, 1 each for several."""
    precision: Literal["highest", "high", "medium"] = "highest"
    """Of float32 matrix products, as `torch.set_float32_matmul_precision` defines it."""
    compile: Literal["never"] = "never"
    """Compilation of the updates."""


class GymnasiumEnv(Section):
    """A Gymnasium environment with a flat Box observation and a Box action."""

    kind: Literal["gymnasium"] = "gymnasium"
    id: Annotated[str, Field(min_length=1, max_length=200)]
    """As `gymnasium.make` takes it. `module:Name-v0` imports code and needs `--allow-import module`."""
    hide: Literal["velocities", "positions"] | None = None
    """Part of the observation taken away, by the environment's own `observation_structure`."""
    keep: Annotated[list[CountOrZero], Field(min_length=1)] | None = None
    """Indices of the observation that remain, where no structure names them."""
    observation_noise: NotNegative = 0.0
    """Standard deviation of Gaussian noise added to each observation."""
    drop_frames: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Probability that an observation is lost and the one before it is seen again."""
    episode_steps: Count | None = None
    """Time limit of an episode; absent: the environment's own."""
    num_envs: Annotated[Integer, Field(ge=1, le=1024)] = 1
    """Environments stepped together; each counts its steps."""
    processes: bool = False
    """A process for each environment instead of all in the engine's."""
    bootstrap: Literal["truncated", "always"] = "truncated"
    """Value the state after the last: at time limits only, or `always` (at termination as well)."""


class TargetNoise(Section):
    """Smoothing noise on the target action (TD3, arXiv 1802.09477, section 5.3), in units of the action in [-1, 1]."""

    std: NotNegative = 0.2
    clip: NotNegative = 0.5


class TD3(Section):
    """Twin delayed deep deterministic policy gradient, for any actor; both stages use it."""

    kind: Literal["td3"] = "td3"
    discount: Annotated[float, Field(ge=0, lt=1)] = 0.99
    tau: Annotated[float, Field(gt=0, le=1)] = 0.005
    """Share of the way a target network moves to its network at each update of it."""
    batch_size: Size = 256
    """Windows in a batch."""
    updates_per_step: Positive = 1.0
    """Critic updates for each environment step; fractions accumulate."""
    learning_rate: LearningRate = 3e-4
    """Of Adam; a network's own `learning_rate` wins."""
    random_steps: CountOrZero = 5_000
    """Uniformly random actions at the start; updates begin after them."""
    policy_delay: Annotated[Integer, Field(ge=1, le=1000)] = 2
    """Critic updates for each update of actor and targets."""
    exploration_noise: NotNegative = 0.1
    """Standard deviation of the noise on actions, in units of the action in [-1, 1]."""
    target_noise: TargetNoise = TargetNoise()


class TD3Changes(Section):
    """Keys of `algorithm` that differ in stage online."""

    discount: Annotated[float, Field(ge=0, lt=1)] | None = None
    tau: Annotated[float, Field(gt=0, le=1)] | None = None
    batch_size: Size | None = None
    updates_per_step: Positive | None = None
    learning_rate: LearningRate | None = None
    policy_delay: Annotated[Integer, Field(ge=1, le=1000)] | None = None
    exploration_noise: NotNegative | None = None
    target_noise: TargetNoise | None = None


Context = Annotated[Integer, Field(ge=1, le=1024)]
Hidden = Annotated[list[Size], Field(max_length=16)]


class Critic(Section):
    """Twin critics: multilayer perceptrons over the flattened window and the action."""

    kind: Literal["mlp"] = "mlp"
    context: Context = 1
    """Observations seen: 1 for a Markov state, the actors' context where something is hidden."""
    hidden: Hidden = [256, 256]
    learning_rate: LearningRate | None = None


class MLPAccelerator(Section):
    """A multilayer perceptron over the flattened window."""

    kind: Literal["mlp"]
    context: Context = 1
    hidden: Hidden = [256, 256]
    replay: Count = 100_000
    """Capacity in transitions."""
    steps: Count = 75_000
    """Budget of stage accelerate; rules, keys and commands only end it earlier."""
    learning_rate: LearningRate | None = None


class LSTMAccelerator(Section):
    """A long short-term memory run over the window from a zero state."""

    kind: Literal["lstm"]
    context: Context = 10
    hidden: Size = 64
    """Units a layer."""
    layers: Annotated[Integer, Field(ge=1, le=16)] = 1
    replay: Count = 100_000
    """Capacity in transitions."""
    steps: Count = 75_000
    """Budget of stage accelerate; rules, keys and commands only end it earlier."""
    learning_rate: LearningRate | None = None


class GPT(Section):
    """A GPT-style pre-LN transformer over the window of observations."""

    kind: Literal["gpt"] = "gpt"
    context: Context = 10
    layers: Annotated[Integer, Field(ge=1, le=64)] = 1
    heads: Annotated[Integer, Field(ge=1, le=64)] = 4
    width: Size = 128
    feedforward: Size = 256
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    positions: Literal["learned"] = "learned"
    inputs: Literal["observations"] = "observations"
    learning_rate: LearningRate | None = None


class Rollouts(Section):
    """Evaluation-style episodes of the accelerator that `clone.from: rollouts` learns from; every step is counted."""

    every: Count = 3_000
    """Training steps between collections."""
    episodes: Annotated[Integer, Field(ge=1, le=10_000)] = 10


class Clone(Section):
    """Behaviour cloning of the accelerator by the whole transformer, during stage accelerate."""

    from_: Annotated[Literal["replay", "rollouts"], Field(alias="from")] = "replay"
    """`replay`: the accelerator's replay, relabelled with its deterministic action; `rollouts`: its own episodes."""
    newest: Count = 50_000
    """How many of the newest transitions cloning draws from."""
    loss: Literal["mse"] = "mse"
    batch_size: Size = 256
    updates_per_step: Positive = 0.25
    """Cloning updates for each environment step; fractions accumulate."""
    ascent: NotNegative = 0.0
    """Weight of additional ascent on the accelerator's critic."""
    rollouts: Rollouts = Rollouts()


Metric = Literal["transformer/return", "accelerator/return"]


class Plateau(Section):
    """Fires when the best has improved by less than `min_gain` of (best - random) for `patience` evaluations."""

    of: Metric = "transformer/return"
    patience: Annotated[Integer, Field(ge=1, le=1000)] = 5
    min_gain: NotNegative = 0.02
    after: CountOrZero = 0
    """Evaluations before this step do not count."""


class Share(Section):
    """Fires at (transformer - random) / (accelerator - random) of `reach`, means of the last 3 evaluations."""

    of: Literal["transformer/return"] = "transformer/return"
    reach: Annotated[float, Field(gt=0, le=10)] = 0.9
    after: CountOrZero = 0
    """Not before this step."""


class Rule(Section):
    """One way to decide the switch: exactly one key."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    step: Count | None = None
    """At this step."""
    plateau: Plateau | None = None
    share: Share | None = None
    any: Annotated[list["Rule"], Field(min_length=1)] | None = None
    """One of several."""
    all: Annotated[list["Rule"], Field(min_length=1)] | None = None
    """Each of several."""

    @model_validator(mode="after")
    def exactly_one(self) -> "Rule":
        """A rule with no key or two keys has no meaning."""
        if sum(value is not None for _, value in self) != 1:
            raise ValueError("a switch rule has exactly one of: step, plateau, share, any, all")
        return self


class Online(Section):
    """Stage online: the transformer acts and learns; the critic stays."""

    replay: Count = 20_000
    """Capacity in transitions."""
    steps: Count = 75_000
    seed_replay: CountOrZero = 20_000
    """Newest transitions of the accelerator that are kept at the switch."""
    critic_warmup: CountOrZero = 0
    """Steps after the switch during which only the critic learns."""
    clone_fade: CountOrZero = 10_000
    """Steps after the switch over which a cloning term fades to nothing; 0 for none."""
    algorithm: TD3Changes = TD3Changes()


class Evaluation(Section):
    """Episodes of the deterministic policies in environments of their own."""

    every: Count = 5_000
    episodes: Annotated[Integer, Field(ge=1, le=10_000)] = 5
    num_envs: Annotated[Integer, Field(ge=1, le=1024)] = 5
    seed: Annotated[Integer, Field(ge=0, lt=2**31)] = 10_000
    """The same starts at every evaluation."""


class Checkpoint(Section):
    """Weights at intervals, at the switch, at the end; the best is kept as well."""

    every: Count = 25_000
    keep: Annotated[Integer, Field(ge=1, le=10_000)] = 2
    """How many periodic ones remain."""
    replay: Literal["none"] = "none"
    """What of the replay is saved."""


class Log(Section):
    """Rows of metrics.jsonl, and TensorBoard files beside them."""

    every: Count = 500
    tensorboard: bool = True


class Recipe(Section):
    """A whole training run."""

    version: Literal[1]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    """The beginning of the run folder's name: letters, digits, `_`, `.` and `-`."""
    seed: Annotated[Integer, Field(ge=0, lt=2**31)] = 1
    method: Literal["accelerated", "scratch", "accelerator"] = "accelerated"
    """`scratch`: the transformer alone; `accelerator`: the accelerator alone; both over the sum of the budgets."""
    engine: Engine = Engine()
    env: GymnasiumEnv
    algorithm: TD3 = TD3()
    critic: Critic = Critic()
    accelerator: Annotated[MLPAccelerator | LSTMAccelerator, Field(discriminator="kind")]
    transformer: GPT = GPT()
    clone: Clone = Clone()
    switch: Rule | None = None
    """Absent: the key, the command or the end of the budget switches."""
    online: Online = Online()
    evaluation: Evaluation = Evaluation()
    checkpoint: Checkpoint = Checkpoint()
    log: Log = Log()

    @property
    def online_algorithm(self) -> TD3:
        """The algorithm of stage online: `algorithm` with the keys of `online.algorithm` laid over it."""
        changes = {key: getattr(self.online.algorithm, key) for key in self.online.algorithm.model_fields_set}
        return self.algorithm.model_copy(update={key: value for key, value in changes.items() if value is not None})

    @property
    def total_steps(self) -> int:
        """Training steps of the whole run: the sum of both budgets, whatever the method."""
        return self.accelerator.steps + self.online.steps

    @property
    def contexts(self) -> dict[str, int]:
        """The context of each network that the method uses, by the name of its section."""
        contexts = {"critic": self.critic.context}
        if self.method != "scratch":
            contexts["accelerator"] = self.accelerator.context
        if self.method != "accelerator":
            contexts["transformer"] = self.transformer.context
        return contexts

    @property
    def window(self) -> int:
        """Observations in a sampled window: the longest context; each network takes its tail."""
        return max(self.contexts.values())
