"""Every actor is one function of a window, the same while acting and in training; the critics are two."""

import numpy as np
import pytest
import torch
from counting_env import counting_envs, counting_spaces
from engine_recipes import plain_spaces, small
from torch import Tensor
from witness import Witness, keys_of

from acceltui.engine.learners.clone import BehaviourCloning
from acceltui.engine.learners.critic import TargetedCritic
from acceltui.engine.learners.td3 import TD3
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.build import build_actor, build_body, build_critic, build_value
from acceltui.engine.networks.critic import TwinCritic
from acceltui.engine.networks.gpt import GPTModel
from acceltui.engine.networks.mlp import MLPBody
from acceltui.engine.networks.transformer import TransformerBody
from acceltui.engine.replay import Batch
from acceltui.engine.windows import Windows
from acceltui.recipe.schema import GPT, CNNAccelerator, Critic, LSTMAccelerator, MLPAccelerator
from acceltui.recipe.schema import TD3 as Algorithm

CONTEXT = 4
SPACES = plain_spaces(state=3, action=2)
SECTIONS = {
    "mlp": MLPAccelerator(kind="mlp", context=CONTEXT, hidden=[16, 16]),
    "lstm": LSTMAccelerator(kind="lstm", context=CONTEXT, hidden=8),
    "lstm-2-layers": LSTMAccelerator(kind="lstm", context=CONTEXT, hidden=8, layers=2),
    "gpt": GPT(context=CONTEXT, layers=1, heads=2, width=8, feedforward=16),
    "gpt-2-layers": GPT(context=CONTEXT, layers=2, heads=2, width=8, feedforward=16),
}


@pytest.fixture(params=list(SECTIONS))
def actor(request: pytest.FixtureRequest) -> Actor:
    torch.manual_seed(0)
    return build_actor(SECTIONS[request.param], small(), SPACES).eval()


def random_windows(rows: int, steps: int) -> Windows:
    return Windows(torch.randn(rows, steps, 3))


def changed_at(windows: Windows, position: int) -> Windows:
    """Another observation at one position of each window."""
    changed = windows.state.clone()
    changed[:, position] += 1
    return Windows(changed)


def transformer(**changes: object) -> Actor:
    torch.manual_seed(0)
    return build_actor(SECTIONS["gpt-2-layers"].model_copy(update=changes), small(), SPACES).eval()


def all_positions(actor: Actor, windows: Windows) -> Tensor:
    """The action at every position (B, C, A), no computation left out."""
    assert isinstance(actor.body, TransformerBody) and isinstance(actor.body.model, GPTModel)
    tokens = actor.body.inputs(actor.encoder(windows), None)
    return actor.head(actor.body.model.sequence(tokens)).mode()


def test_actions_are_in_bounds_and_depend_on_the_whole_context_and_nothing_before_it(actor: Actor) -> None:
    windows = random_windows(5, CONTEXT + 3)
    actions = actor(windows)
    assert actions.shape == (5, 2)
    assert actor(windows.map(lambda part: part * 1e6)).abs().max() <= 1
    assert torch.equal(actor(windows.map(lambda part: part[:, 3:])), actions)
    for age in range(CONTEXT + 3):
        assert torch.equal(actor(changed_at(windows, -1 - age)), actions) == (age >= CONTEXT)


def test_each_window_of_a_batch_has_its_own_action(actor: Actor) -> None:
    windows = random_windows(6, CONTEXT)
    singly = torch.cat([actor(windows.rows(torch.tensor([number]))) for number in range(6)])
    torch.testing.assert_close(actor(windows), singly, rtol=0, atol=1e-6)


def assert_trained_as_taken(actor: Actor, pictures: bool = False, past: bool = False) -> None:
    """Windows made while acting against windows made from the replay; environments reset at different times."""
    witness = Witness(counting_envs([3, 9], [5], [2, 4], pictures=pictures), CONTEXT + 2, capacity=150, past=past)
    taken = {}
    for _ in range(80):
        windows = witness.interaction.windows
        actions = actor(windows).detach()
        taken |= dict(zip(keys_of(windows), actions, strict=True))
        witness.interaction.step(actions)
    batch = witness.replay.sample(300, np.random.default_rng(0))
    then = torch.stack([taken[key] for key in keys_of(batch.windows)])
    assert torch.equal(batch.actions, then)
    torch.testing.assert_close(actor(batch.windows).detach(), then, rtol=0, atol=1e-6)


def test_an_action_in_training_is_the_action_taken(actor: Actor) -> None:
    assert_trained_as_taken(actor)


@pytest.mark.parametrize("pictures", [False, True], ids=["numbers", "pictures"])
@pytest.mark.parametrize("inputs", ["observations", "interleaved", "concatenated"])
def test_an_action_of_what_else_a_transformer_reads_is_too(inputs: str, pictures: bool) -> None:
    torch.manual_seed(0)
    section = SECTIONS["gpt-2-layers"].model_copy(update={"inputs": inputs})
    recipe = small(encoder={"features": 8}, transformer={"inputs": inputs})
    actor = build_actor(section, recipe, counting_spaces(pictures)).eval()
    assert_trained_as_taken(actor, pictures, past=recipe.sees_past)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_computing_the_last_position_alone_changes_nothing(layers: int) -> None:
    actor = transformer(layers=layers)
    windows = random_windows(7, CONTEXT)
    torch.testing.assert_close(actor(windows), all_positions(actor, windows)[:, -1], rtol=0, atol=1e-6)
    mean, full = actor(windows).square().mean(), all_positions(actor, windows)[:, -1].square().mean()
    gradients, expected = (torch.autograd.grad(loss, list(actor.parameters())) for loss in (mean, full))
    for gradient, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, other, rtol=0, atol=1e-6)


def test_no_position_attends_to_a_later_one() -> None:
    actor = transformer(layers=3)
    windows = random_windows(2, CONTEXT)
    actions = all_positions(actor, windows)
    for position in range(CONTEXT):
        differs = (all_positions(actor, changed_at(windows, position)) - actions).abs().amax(dim=(0, 2)) > 1e-6
        assert differs.tolist() == [later >= position for later in range(CONTEXT)]


def test_the_order_of_observations_matters() -> None:
    windows = random_windows(4, CONTEXT)
    actor = transformer(layers=1)
    swapped = windows.map(lambda part: part[:, [1, 0, 2, 3]])
    assert not torch.allclose(actor(windows), actor(swapped), atol=1e-5)


def updated(learner: str, dropout: float, seed: int) -> Actor:
    """A transformer after one gradient step that is the same but for what dropout draws."""
    actor = transformer(dropout=dropout)
    windows, actions, noise = random_windows(32, CONTEXT), torch.rand(32, 2), torch.zeros(32, 0)
    teacher, critic = transformer(), build_critic(Critic(context=1, hidden=[16]), small(), SPACES)
    torch.manual_seed(seed)
    if learner == "clone":
        BehaviourCloning(actor, teacher, critic, "mse", learning_rate=1e-3, ascent=0.0).update(windows, noise)
    else:
        td3 = TD3(actor, TargetedCritic(critic, 1e-3), Algorithm(), 1e-3, bootstrap_always=False)
        td3.update_actor(Batch(windows, actions, torch.zeros(32), windows, torch.zeros(32)), noise)
    return actor


@pytest.mark.parametrize("learner", ["clone", "td3"])
def test_dropout_is_on_in_updates_and_off_in_acting(learner: str) -> None:
    windows = random_windows(3, CONTEXT)
    one, other, without, alike = (
        updated(learner, dropout, seed) for dropout, seed in ((0.5, 1), (0.5, 2), (0.0, 1), (0.0, 2))
    )
    assert torch.equal(one(windows), one(windows))
    assert not torch.equal(one(windows), other(windows))
    assert torch.equal(without(windows), alike(windows))


@pytest.fixture
def critic() -> TwinCritic:
    torch.manual_seed(0)
    return build_critic(Critic(context=2, hidden=[16, 16]), small(), SPACES)


def test_the_critics_are_two_and_the_first_is_row_0(critic: TwinCritic) -> None:
    windows, actions = random_windows(6, 5), torch.rand(6, 2)
    values = critic(windows, actions)
    assert values.shape == (2, 6)
    assert (values[0] != values[1]).all()
    torch.testing.assert_close(critic.first(windows, actions), values[0], rtol=0, atol=1e-6)

    parameters = list(critic.parameters())
    assert all((parameter[0] != parameter[1]).any() for parameter in parameters)
    for member in (0, 1):
        gradients = torch.autograd.grad(values[member].sum(), parameters, retain_graph=True)
        assert all(gradient[1 - member].abs().max() == 0 for gradient in gradients)
        assert all(gradient[member].abs().max() > 0 for gradient in gradients)


def test_with_norm_each_hidden_layer_is_normalised_before_its_relu() -> None:
    critic = build_critic(Critic(hidden=[16, 12], norm="layer"), small(), SPACES)
    windows, actions = random_windows(6, 1), torch.rand(6, 2)
    seen = critic.encoder(windows).flatten(1)
    for member, values in enumerate(critic(windows, actions)):
        x = torch.cat((seen, actions), dim=1)
        for weight, bias in zip(critic.weights[:-1], critic.biases[:-1], strict=True):
            x = x @ weight[member] + bias[member]
            x = (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
            x = x.relu()
        expected = (x @ critic.weights[-1][member] + critic.biases[-1][member]).squeeze(1)
        torch.testing.assert_close(values, expected, rtol=0, atol=1e-5)


def test_a_value_network_can_be_normalised_too() -> None:
    value = build_value(Critic(hidden=[16, 12], norm="layer"), small(), SPACES)
    assert [type(layer).__name__ for layer in value.body.layers] == ["Linear", "LayerNorm", "ReLU"] * 2
    assert value(random_windows(6, 1)).isfinite().all()


@pytest.mark.parametrize("kind", [MLPAccelerator, CNNAccelerator])
def test_an_accelerator_can_be_normalised_too(kind: type[MLPAccelerator | CNNAccelerator]) -> None:
    for norm, layers in (("layer", ["Linear", "LayerNorm", "ReLU"]), ("none", ["Linear", "ReLU"])):
        section = kind.model_validate({"kind": kind.__name__[:3].lower(), "hidden": [16, 12], "norm": norm})
        body = build_body(section, 5, action=2)
        assert isinstance(body, MLPBody)
        assert [type(layer).__name__ for layer in body.layers] == layers * 2


def test_a_critic_sees_its_context_and_the_action(critic: TwinCritic) -> None:
    windows, actions = random_windows(6, 5), torch.rand(6, 2)
    values = critic(windows, actions)
    assert torch.equal(critic(windows.tail(2), actions), values)
    assert not torch.equal(critic(windows.map(lambda part: part[:, 4:].repeat(1, 2, 1)), actions), values)
    assert not torch.equal(critic(windows, -actions), values)
