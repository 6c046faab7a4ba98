"""From a recipe's sections to networks: one row of a table each."""

from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.lstm import LSTMActor
from acceltui.engine.networks.mlp import MLPActor, TwinCritic
from acceltui.engine.networks.transformer import TransformerActor
from acceltui.recipe.schema import GPT, Critic, LSTMAccelerator, MLPAccelerator


def build_actor(section: MLPAccelerator | LSTMAccelerator | GPT, observation: int, action: int) -> Actor:
    """The actor a section describes, for observations of `observation` and actions of `action` entries."""
    match section:
        case MLPAccelerator():
            return MLPActor(observation, action, section.context, section.hidden)
        case LSTMAccelerator():
            return LSTMActor(observation, action, section.context, section.hidden, section.layers)
        case GPT():
            return TransformerActor(observation, action, section)


def build_critic(section: Critic, observation: int, action: int) -> TwinCritic:
    """The twin critics a section describes."""
    return TwinCritic(observation, action, section.context, section.hidden)
