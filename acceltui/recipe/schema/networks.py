"""Networks: critics, accelerators, transformers, the encoder of images."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from acceltui.recipe.schema.base import (
    Context,
    Count,
    CountOrZero,
    Hidden,
    Integer,
    LearningRate,
    Section,
    Size,
    kind_or,
)

Layers = Annotated[Integer, Field(ge=1, le=64)]
Heads = Annotated[Integer, Field(ge=1, le=64)]
Positions = Literal["learned", "sinusoidal", "rotary"]
Memory = Literal["window", "episode"]

Normalised = Annotated[
    Literal["layer"] | None,
    BeforeValidator(
        lambda value: None if value == "none" else value, json_schema_input_type=Literal["layer", "none"] | None
    ),
]
"""Null is no choice made, and bears on no result that was there before there was one; `none` is taken for it."""


class Encoder(Section):
    """The convolutional network that turns an image into features; actor and critic have a copy each."""

    kind: Literal["cnn"] = "cnn"
    features: Size = 256
    augment: Literal["none", "shift"] = "none"
    """`shift`: batches are seen moved by up to 4 pixels at random (DrQ, arXiv 2004.13649)."""


class Critic(Section):
    """Twin critics (PPO: one value network): multilayer perceptrons over the flattened window and the action."""

    kind: Literal["mlp"] = "mlp"
    context: Context = 1
    """Observations seen: 1 for a Markov state, the actors' context where something is hidden."""
    hidden: Hidden = [256, 256]
    norm: Literal["none", "layer"] = "none"
    """`layer`: each hidden layer is normalised before its ReLU (arXiv 1607.06450), which keeps values from running away
    where there are many updates a step (DroQ, arXiv 2110.02034)."""
    learning_rate: LearningRate | None = None


class Accelerating(Section):
    """What all accelerators share."""

    kind: str
    context: Context = 1
    replay: Count = 100_000
    """Capacity in transitions."""
    steps: Count = 75_000
    """Budget of stage accelerate; rules, keys and commands only end it earlier."""
    learning_rate: LearningRate | None = None


class MLPAccelerator(Accelerating):
    """A multilayer perceptron over the flattened window."""

    kind: Literal["mlp"]
    hidden: Hidden = [256, 256]
    norm: Normalised = None
    """`layer`: each hidden layer is normalised before its ReLU, as a critic's."""


class LSTMAccelerator(Accelerating):
    """A long short-term memory run over the window from a zero state."""

    kind: Literal["lstm"]
    context: Context = 10
    hidden: Size = 64
    """Units a layer."""
    layers: Annotated[Integer, Field(ge=1, le=16)] = 1


class CNNAccelerator(Accelerating):
    """A multilayer perceptron over the features of encoded images, and the state beside them."""

    kind: Literal["cnn"]
    hidden: Hidden = [256, 256]
    norm: Normalised = None
    """As an mlp's."""


Accelerator = Annotated[MLPAccelerator | LSTMAccelerator | CNNAccelerator, Field(discriminator="kind")]


class SequencePolicy(Section):
    """What all transformers share: what they read, and what they give."""

    kind: str
    context: Context = 10
    """Time steps seen; with `memory: episode`, those that each layer attends to and a training segment has."""
    layers: Layers = 1
    width: Size = 128
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    inputs: Literal["observations", "interleaved", "concatenated"] = "observations"
    """`interleaved`: past actions between the observations; `concatenated`: observation, action and reward embedded
    together (arXiv 2510.13367)."""
    head: Literal["plain", "mixture"] = "plain"
    """What gives the action: one distribution, or a mixture of Gaussians (GIVT, arXiv 2312.02116) for SAC and PPO."""
    components: Annotated[Integer, Field(ge=2, le=64)] = 4
    """Gaussians in a mixture."""
    learning_rate: LearningRate | None = None


class GPT(SequencePolicy):
    """A GPT-style pre-LN transformer."""

    kind: Literal["gpt"] = "gpt"
    heads: Heads = 4
    feedforward: Size = 256
    positions: Positions = "learned"
    memory: Memory = "window"
    """`episode`: keys and values carried from the episode's start, in place of a window recomputed at each step."""
    burn_in: CountOrZero = 0
    """Steps before a training segment that only warm the memory up (`memory: episode`)."""


class GTrXL(SequencePolicy):
    """A transformer whose residual paths are gated recurrent units (arXiv 1910.06764)."""

    kind: Literal["gtrxl"]
    heads: Heads = 4
    feedforward: Size = 256
    positions: Positions = "learned"


class SSM(SequencePolicy):
    """Diagonal state-space layers (S4D, arXiv 2206.11893), as Decision S4 (arXiv 2306.05167) proposes for control."""

    kind: Literal["ssm"]
    state: Annotated[Integer, Field(ge=1, le=1024)] = 16
    """Complex numbers of state for each channel."""
    feedforward: Size = 256
    memory: Memory = "window"
    """`episode`: the state carried from the episode's start, in place of a window recomputed at each step."""
    burn_in: CountOrZero = 0
    """Steps before a training segment that only warm the memory up (`memory: episode`)."""


class CustomSequence(SequencePolicy):
    """A sequence model of your own: a class in a module that the call allows with `--allow-import`."""

    kind: Literal["custom"]
    model: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", max_length=200)]
    """`module:Class`; docs/sequence_models.md says what it must do."""
    options: dict[str, Any] = {}
    """Passed to it as keywords."""


Transformer = Annotated[
    GPT | GTrXL | SSM | CustomSequence, Field(discriminator="kind"), BeforeValidator(kind_or("gpt"))
]
