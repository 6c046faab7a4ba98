"""From a recipe's sections to networks: one row of a table each."""

from acceltui.engine.envs.base import Spaces
from acceltui.engine.networks.actor import Actor, Body, Segment
from acceltui.engine.networks.critic import TwinCritic, ValueNetwork
from acceltui.engine.networks.encoder import Encoder
from acceltui.engine.networks.gpt import GPTModel
from acceltui.engine.networks.gtrxl import GTrXLModel
from acceltui.engine.networks.heads import (
    CategoricalHead,
    DeterministicHead,
    GaussianHead,
    Head,
    MixtureHead,
    SquashedGaussianHead,
)
from acceltui.engine.networks.inputs import ConcatenatedTokens, Inputs, InterleavedTokens, ObservationTokens
from acceltui.engine.networks.lstm import LSTMBody
from acceltui.engine.networks.mlp import MLPBody
from acceltui.engine.networks.ssm import SSMModel
from acceltui.engine.networks.transformer import SequenceModel, TransformerBody, custom_model
from acceltui.recipe.schema import (
    GPT,
    PPO,
    SAC,
    SSM,
    Accelerator,
    CNNAccelerator,
    Critic,
    CustomSequence,
    GTrXL,
    LSTMAccelerator,
    MLPAccelerator,
    Recipe,
    SequencePolicy,
    Transformer,
)


def build_actor(section: Accelerator | Transformer, recipe: Recipe, spaces: Spaces) -> Actor:
    """The actor that a section of a recipe describes."""
    encoder = Encoder(spaces, recipe.encoder.features)
    body = build_body(section, encoder.features, spaces.action)
    segment = None
    if isinstance(section, GPT | SSM) and section.memory == "episode":
        segment = Segment(section.context, section.burn_in)
    return Actor(section.context, encoder, body, build_head(section, body.features, recipe, spaces), segment)


def build_body(section: Accelerator | Transformer, observed: int, action: int) -> Body:
    """What stands between encoder and head, for observations encoded as `observed` numbers."""
    match section:
        case MLPAccelerator() | CNNAccelerator():
            return MLPBody(observed, section.context, section.hidden, section.norm is not None)
        case LSTMAccelerator():
            return LSTMBody(observed, section.hidden, section.layers)
        case _:
            inputs = build_inputs(section, observed, action)
            return TransformerBody(inputs, build_model(section, section.context * inputs.per_step), section.width)


def build_inputs(section: Transformer, observed: int, action: int) -> Inputs:
    """What a transformer reads."""
    match section.inputs:
        case "observations":
            return ObservationTokens(observed, section.width)
        case "interleaved":
            return InterleavedTokens(observed, action, section.width)
        case "concatenated":
            return ConcatenatedTokens(observed, action, section.width)


def build_model(section: Transformer, tokens: int) -> SequenceModel:
    """The sequence model of a transformer whose windows become `tokens` tokens."""
    match section:
        case GPT():
            return GPTModel(section, tokens)
        case GTrXL():
            return GTrXLModel(section, tokens)
        case SSM():
            return SSMModel(section, tokens)
        case CustomSequence():
            return custom_model(section, tokens)


def build_head(section: Accelerator | Transformer, features: int, recipe: Recipe, spaces: Spaces) -> Head:
    """What the algorithm wants of a policy: one action, or a distribution over those there are."""
    if spaces.discrete:
        return CategoricalHead(features, spaces.action)
    squashed = isinstance(recipe.algorithm, SAC)
    if isinstance(section, SequencePolicy) and section.head == "mixture":
        return MixtureHead(features, spaces.action, section.components, squashed)
    match recipe.algorithm:
        case SAC():
            return SquashedGaussianHead(features, spaces.action)
        case PPO():
            return GaussianHead(features, spaces.action)
        case _:
            return DeterministicHead(features, spaces.action)


def build_critic(section: Critic, recipe: Recipe, spaces: Spaces) -> TwinCritic:
    """The twin critics that a recipe describes."""
    encoder = Encoder(spaces, recipe.encoder.features)
    return TwinCritic(encoder, section.context, section.hidden, spaces.action, spaces.discrete, section.norm == "layer")


def build_value(section: Critic, recipe: Recipe, spaces: Spaces) -> ValueNetwork:
    """PPO's value network."""
    encoder = Encoder(spaces, recipe.encoder.features)
    return ValueNetwork(encoder, section.context, section.hidden, section.norm == "layer")
