"""Learning algorithms. Both stages use the same one."""

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from acceltui.recipe.schema.base import (
    CountOrZero,
    Fraction,
    Integer,
    LearningRate,
    NotNegative,
    Positive,
    Section,
    Size,
    kind_or,
)

Discount = Annotated[float, Field(ge=0, lt=1)]
Tau = Annotated[float, Field(gt=0, le=1)]
Delay = Annotated[Integer, Field(ge=1, le=1000)]
Run = Annotated[Integer, Field(ge=1, le=1000)]
Epochs = Annotated[Integer, Field(ge=1, le=1000)]


class TargetNoise(Section):
    """Smoothing noise on the target action (TD3, arXiv 1802.09477, section 5.3), in units of the action in [-1, 1]."""

    std: NotNegative = 0.2
    clip: NotNegative = 0.5


class OffPolicy(Section):
    """What algorithms that learn from a replay share."""

    kind: str
    discount: Discount = 0.99
    tau: Tau = 0.005
    """Share of the way a target network moves to its network at each update of it."""
    batch_size: Size = 256
    """Windows in a batch."""
    segment: Run = 1
    """Windows are drawn in runs of as many that follow each other, which share pictures: each is encoded once."""
    updates_per_step: Positive = 1.0
    """Critic updates for each environment step; fractions accumulate."""
    learning_rate: LearningRate = 3e-4
    """Of Adam; a network's own `learning_rate` wins."""
    random_steps: CountOrZero = 5_000
    """Uniformly random actions at the start; updates begin after them."""


class TD3(OffPolicy):
    """Twin delayed deep deterministic policy gradient (arXiv 1802.09477), for any actor with real actions."""

    kind: Literal["td3"] = "td3"
    policy_delay: Delay = 2
    """Critic updates for each update of actor and targets."""
    exploration_noise: NotNegative = 0.1
    """Standard deviation of the noise on actions, in units of the action in [-1, 1]."""
    target_noise: TargetNoise = TargetNoise()


def entropy_target(value: Any) -> Any:
    """Refuse in one sentence what is neither a number nor a word."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if number or value in ("auto", None):
        return value
    raise ValueError("not a finite number, auto or null")


class Entropy(Section):
    """The entropy coefficient of SAC (arXiv 1812.05905, section 5)."""

    start: Positive = 1.0
    """Its first value."""
    target: Annotated[float | Literal["auto"] | None, BeforeValidator(entropy_target)] = "auto"
    """Entropy that it is tuned towards; `auto`: minus the entries of an action, or 0.5 of the most that a choice
    can have; null: it stays at `start`."""


class SAC(OffPolicy):
    """Soft actor-critic (arXiv 1812.05905), for any actor; with discrete actions, expectations over all of them."""

    kind: Literal["sac"]
    entropy: Entropy = Entropy()


class PPO(Section):
    """Proximal policy optimization (arXiv 1707.06347), for any actor; the critic is a value network."""

    kind: Literal["ppo"]
    discount: Discount = 0.99
    gae_lambda: Fraction = 0.95
    """Of generalized advantage estimation (arXiv 1506.02438)."""
    rollout_steps: Size = 1_024
    """Steps of each environment between updates."""
    epochs: Epochs = 10
    """Passes over a rollout."""
    batch_size: Size = 64
    """Windows in a minibatch."""
    clip: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Of the probability ratio."""
    entropy_bonus: NotNegative = 0.0
    """Weight of the policy's entropy."""
    gradient_norm: Positive = 0.5
    """Largest norm of a network's gradient."""
    learning_rate: LearningRate = 3e-4
    """Of Adam; a network's own `learning_rate` wins."""


class TargetNoiseChanges(Section):
    """Keys of `algorithm.target_noise` that differ in stage online."""

    std: NotNegative | None = None
    clip: NotNegative | None = None


class AlgorithmChanges(Section):
    """Keys of `algorithm` that differ in stage online. Its kind cannot: the critic would not carry over."""

    kind: Literal["td3", "sac", "ppo"] | None = None
    discount: Discount | None = None
    tau: Tau | None = None
    batch_size: Size | None = None
    segment: Run | None = None
    updates_per_step: Positive | None = None
    learning_rate: LearningRate | None = None
    policy_delay: Delay | None = None
    exploration_noise: NotNegative | None = None
    target_noise: TargetNoiseChanges | None = None
    gae_lambda: Fraction | None = None
    rollout_steps: Size | None = None
    epochs: Epochs | None = None
    clip: Annotated[float, Field(gt=0, lt=1)] | None = None
    entropy_bonus: NotNegative | None = None
    gradient_norm: Positive | None = None


Algorithm = Annotated[TD3 | SAC | PPO, Field(discriminator="kind"), BeforeValidator(kind_or("td3"))]
