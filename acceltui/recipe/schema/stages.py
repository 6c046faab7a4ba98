"""The method: cloning, the switch, stage online; and what goes on beside it."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from acceltui.recipe.schema.algorithm import AlgorithmChanges, Run
from acceltui.recipe.schema.base import Count, CountOrZero, Integer, NotNegative, Positive, Section, Size


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
    loss: Literal["mse", "cross_entropy", "divergence"] = "mse"
    """`mse`: squared distance to the accelerator's deterministic action, which teaches a stochastic policy no spread;
    `cross_entropy`: negative log-likelihood of an action drawn from the accelerator; `divergence`: Kullback-Leibler,
    from its distribution to the transformer's."""
    batch_size: Size = 256
    segment: Run = 1
    """Windows are drawn in runs of as many that follow each other, as with `algorithm.segment`."""
    updates_per_step: Positive = 0.25
    """Cloning updates for each environment step; fractions accumulate."""
    ascent: NotNegative = 0.0
    """Weight of additional ascent on the accelerator's critic."""
    critic: Literal["keep", "clone", "bellman", "clone+bellman"] = "keep"
    """`keep`: the accelerator's critic goes on in stage online; else the transformer has its own from the start, which
    learns the accelerator's values, or by Bellman backup with the transformer's actions, or both."""
    rollouts: Rollouts = Rollouts()


Metric = Literal["transformer/return", "accelerator/return", "transformer/success", "accelerator/success"]


class Plateau(Section):
    """Fires when the best has improved by less than `min_gain` of (best - random) for `patience` evaluations."""

    of: Metric = "transformer/return"
    patience: Annotated[Integer, Field(ge=1, le=1000)] = 5
    min_gain: NotNegative = 0.02
    after: CountOrZero = 0
    """Evaluations before this step do not count."""


class Share(Section):
    """Fires at (transformer - random) / (accelerator - random) of `reach`, means of the last 3 evaluations."""

    of: Literal["transformer/return", "transformer/success"] = "transformer/return"
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
    algorithm: AlgorithmChanges = AlgorithmChanges()


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
    replay: Literal["full", "none"] = "full"
    """`full`: a resumed run goes on as if nothing had happened; `none`: it fills a replay anew."""


class Log(Section):
    """Rows of metrics.jsonl, and TensorBoard files beside them."""

    every: Count = 500
    tensorboard: bool = True
