"""Every sequence model sees its whole context in order and nothing later, whatever it reads."""

import itertools
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from pydantic import TypeAdapter
from torch import Tensor, nn

from acceltui.engine.errors import SetupError
from acceltui.engine.networks.build import build_body, build_model
from acceltui.engine.networks.gpt import Attention, GPTModel
from acceltui.engine.networks.gtrxl import GatedBlock, GTrXLModel
from acceltui.engine.networks.positions import RotaryPositions
from acceltui.engine.networks.ssm import DiagonalSSM, SSMModel
from acceltui.engine.networks.transformer import MemoryModel, TransformerBody
from acceltui.engine.windows import Past
from acceltui.recipe.schema import CustomSequence, Transformer

CONTEXT, OBSERVED, ACTION, WIDTH = 4, 3, 2, 8
GUIDE = Path(__file__).parents[2] / "docs" / "sequence_models.md"
KINDS: dict[str, dict[str, Any]] = {
    "gpt-learned": {"kind": "gpt", "heads": 2, "positions": "learned"},
    "gpt-sinusoidal": {"kind": "gpt", "heads": 2, "positions": "sinusoidal"},
    "gpt-rotary": {"kind": "gpt", "heads": 2, "positions": "rotary"},
    "gtrxl-learned": {"kind": "gtrxl", "heads": 2, "positions": "learned"},
    "gtrxl-rotary": {"kind": "gtrxl", "heads": 2, "positions": "rotary"},
    "ssm": {"kind": "ssm", "state": 4},
    "custom": {"kind": "custom", "model": "my_model:GRUModel"},
}
INPUTS = ["observations", "interleaved", "concatenated"]


def in_guide(language: str) -> str:
    """The one block of a language in docs/sequence_models.md."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return block


@pytest.fixture(autouse=True)
def guided_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guide's example, where it can be imported."""
    write_module(tmp_path, monkeypatch, "my_model", in_guide("python"))


def write_module(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)


def section(kind: str, **changes: object) -> Transformer:
    common = {"context": CONTEXT, "width": WIDTH, "layers": 2}
    feedforward = {} if kind == "custom" else {"feedforward": 16}
    return TypeAdapter(Transformer).validate_python({**common, **feedforward, **KINDS[kind], **changes})


def body(kind: str, **changes: object) -> TransformerBody:
    torch.manual_seed(0)
    built = build_body(section(kind, **changes), OBSERVED, ACTION)
    assert isinstance(built, TransformerBody)
    return built.eval()


def model(kind: str, tokens: int = CONTEXT, **changes: object) -> Any:
    torch.manual_seed(0)
    return build_model(section(kind, **changes), tokens).eval()


def windows(rows: int = 5) -> tuple[Tensor, Past]:
    """Of which nothing is padded."""
    actions, rewards = torch.randn(rows, CONTEXT, ACTION), torch.randn(rows, CONTEXT)
    return torch.randn(rows, CONTEXT, OBSERVED), Past(actions, rewards, torch.zeros(rows, CONTEXT, dtype=torch.bool))


def differ(one: Tensor, other: Tensor) -> bool:
    """In every row, by more than rounding."""
    return bool(((one - other).abs().amax(dim=tuple(range(1, one.dim()))) > 1e-5).all())


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("kind", list(KINDS))
def test_the_features_depend_on_every_step_of_the_context_and_on_their_order(
    kind: str, inputs: str, layers: int
) -> None:
    policy = body(kind, inputs=inputs, layers=layers)
    observed, past = windows()
    features = policy(observed, past)
    assert features.shape == (5, WIDTH)
    for step in range(CONTEXT):
        changed = observed.clone()
        changed[:, step] += 1
        assert differ(policy(changed, past), features)
    swapped = observed[:, [1, 0, *range(2, CONTEXT)]]
    assert differ(policy(swapped, past), features)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize(
    ("inputs", "seen"),
    [("observations", []), ("interleaved", ["actions", "padded"]), ("concatenated", ["actions", "rewards", "padded"])],
)
def test_inputs_show_what_led_to_each_observation(kind: str, inputs: str, seen: list[str]) -> None:
    policy = body(kind, inputs=inputs)
    observed, past = windows()
    features = policy(observed, past)
    for name in ("actions", "rewards", "padded"):
        for step in range(CONTEXT):
            part = getattr(past, name).clone()
            part[:, step] = ~part[:, step] if name == "padded" else part[:, step] + 1
            changed = policy(observed, Past(**{**vars(past), name: part}))
            assert differ(changed, features) if name in seen else torch.equal(changed, features)


def test_interleaved_tokens_are_action_then_observation_and_the_last_is_the_newest_observation() -> None:
    inputs = body("gpt-learned", inputs="interleaved").inputs
    observed, past = windows()
    tokens = inputs(observed, past)
    assert tokens.shape == (5, 2 * CONTEXT, WIDTH)
    changed = (inputs(observed + 1, past) - tokens).abs().sum(dim=(0, 2)) > 0
    assert changed.tolist() == [False, True] * CONTEXT
    flagged = inputs(observed, Past(past.actions, past.rewards, ~past.padded))
    assert ((flagged - tokens).abs().sum(dim=(0, 2)) > 0).all()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("g")])
def test_the_tokens_of_one_time_step_share_a_position(kind: str) -> None:
    sequences = model(kind, 2 * CONTEXT, layers=1)
    x = torch.randn(5, 2 * CONTEXT, WIDTH)
    outputs = sequences(x)
    for place in range(2 * CONTEXT - 2):
        swapped = x.clone()
        swapped[:, [place, place + 1]] = x[:, [place + 1, place]]
        if place % 2 == 0:
            torch.testing.assert_close(sequences(swapped), outputs, rtol=0, atol=1e-6)
        else:
            assert differ(sequences(swapped), outputs)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("tokens", [CONTEXT, 2 * CONTEXT])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "custom"])
def test_the_last_position_alone_is_what_the_full_computation_gives(kind: str, tokens: int, layers: int) -> None:
    sequences = model(kind, tokens, layers=layers)
    x = torch.randn(5, tokens, WIDTH)
    weights = torch.randn(5, WIDTH)
    parameters = list(sequences.parameters())
    last, whole = sequences(x), sequences.sequence(x)[:, -1]
    torch.testing.assert_close(last, whole, rtol=0, atol=1e-6)
    for one, other in zip(
        torch.autograd.grad((last * weights).mean(), parameters),
        torch.autograd.grad((whole * weights).mean(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "custom"])
def test_nothing_depends_on_what_comes_later(kind: str) -> None:
    sequences = model(kind, 2 * CONTEXT, layers=3)
    x = torch.randn(5, 2 * CONTEXT, WIDTH)
    outputs = sequences.sequence(x)
    for place in range(2 * CONTEXT):
        changed = x.clone()
        changed[:, place] += torch.randn(WIDTH)
        after = sequences.sequence(changed)
        torch.testing.assert_close(after[:, :place], outputs[:, :place], rtol=0, atol=1e-6)
        assert differ(after[:, place], outputs[:, place])


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("kind", list(KINDS))
def test_dropout_draws_in_training_only(kind: str, inputs: str) -> None:
    policy = body(kind, inputs=inputs, dropout=0.5)
    observed, past = windows()
    assert torch.equal(policy(observed, past), policy(observed, past))
    policy.train()
    assert not torch.equal(policy(observed, past), policy(observed, past))


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("kind", list(KINDS))
def test_every_parameter_is_trained(kind: str, inputs: str) -> None:
    policy = body(kind, inputs=inputs)
    observed, past = windows(64)
    past.padded[:, 0] = True
    (policy(observed, past) * torch.randn(64, WIDTH)).sum().backward()
    assert [name for name, parameter in policy.named_parameters() if not parameter.grad.abs().sum() > 0] == []


def test_rotary_attention_knows_distances_and_no_positions() -> None:
    torch.manual_seed(0)
    attention, rotary = Attention(WIDTH, heads=2, dropout=0.0), RotaryPositions(WIDTH, heads=2)
    x, steps = torch.randn(5, 6, WIDTH), torch.arange(6)
    here = attention(x, False, rotary(steps))
    torch.testing.assert_close(attention(x, False, rotary(steps + 1000)), here, rtol=0, atol=1e-4)
    assert not torch.allclose(attention(x, False, rotary(steps * 2)), here, atol=1e-3)


def test_gated_blocks_start_near_the_identity() -> None:
    """Were the gates' bias 0, they would move their input by three quarters of its length."""
    x = torch.randn(64, CONTEXT, 64)
    for block in model("gtrxl-learned", width=64, heads=4, feedforward=128, layers=3).blocks:
        with torch.no_grad():
            assert (block(x, False, None) - x).norm() < 0.35 * x.norm()


def test_a_gate_is_the_gated_unit_of_the_paper() -> None:
    """arXiv 1910.06764, section 3.2, "Gated-Recurrent-Unit-type gating"."""
    block = model("gtrxl-learned").blocks[0]
    assert isinstance(block, GatedBlock)
    gate = block.attention_gate
    x, y = torch.randn(5, CONTEXT, WIDTH), torch.randn(5, CONTEXT, WIDTH)
    w_r, w_z, w_g = gate.of_update.weight.chunk(3)
    u_r, u_z = gate.of_path.weight.chunk(2)
    r = torch.sigmoid(y @ w_r.T + x @ u_r.T)
    z = torch.sigmoid(y @ w_z.T + x @ u_z.T - 2.0)
    h = torch.tanh(y @ w_g.T + (r * x) @ gate.of_kept.weight.T)
    torch.testing.assert_close(gate(x, y), (1 - z) * x + z * h, rtol=0, atol=1e-6)


@pytest.mark.parametrize("length", [1, 10, 100])
def test_a_state_space_layer_is_one_map_as_convolution_and_as_recurrence(length: int) -> None:
    torch.manual_seed(0)
    system = DiagonalSSM(width=16, states=16, tokens=length)
    u = torch.randn(5, length, 16)
    state, outputs = torch.zeros(5, 16, 16, 2), []
    for place in range(length):
        y, state = system.step(u[:, place : place + 1], state)
        outputs.append(y)
    torch.testing.assert_close(torch.cat(outputs, dim=1), system(u, last_only=False), rtol=1e-5, atol=1e-5)


def test_a_state_space_layer_starts_as_s4d_lin() -> None:
    """arXiv 2206.11893: A = -1/2 + i pi n, zero-order hold; the steps span a window's scales."""
    torch.manual_seed(0)
    system = DiagonalSSM(width=4, states=3, tokens=10)
    step = system.log_step.exp().double()
    assert ((step > 0.1 - 1e-6) & (step < 0.5 + 1e-6)).all()
    a = torch.complex(torch.full((3,), -0.5), torch.pi * torch.arange(3)).to(torch.complex128)
    c = torch.complex(*system.output.double())
    lags = torch.arange(10)[:, None, None]
    response = 2 * (c * (torch.exp(step * a) - 1) / a * torch.exp(step * a * lags)).real.sum(dim=2)
    response[0] += system.skip
    impulse = torch.zeros(1, 10, 4)
    impulse[:, 0] = 1
    torch.testing.assert_close(system(impulse, last_only=False)[0], response.float(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("learned", [-3.0, 3.0])
def test_a_state_space_layer_is_stable_whatever_it_learns(learned: float) -> None:
    system = DiagonalSSM(width=4, states=3, tokens=10)
    with torch.no_grad():
        system.log_decay.fill_(learned)
        assert system(torch.ones(1, 1000, 4), last_only=False).isfinite().all()


@pytest.mark.parametrize("kind", ["gpt-rotary", "ssm"])
@pytest.mark.parametrize("layers", [1, 3])
def test_a_memory_carried_from_step_to_step_is_the_sequence_at_once(kind: str, layers: int) -> None:
    remembering = model(kind, layers=layers, memory="episode")
    assert isinstance(remembering, MemoryModel)
    rows, steps = 3, 5 * CONTEXT
    x = torch.randn(rows, steps, WIDTH)
    starts = torch.zeros(rows, steps, dtype=torch.bool)
    starts[0, [0, 3, 4, 13]] = starts[1, [0, 9]] = starts[2, 0] = True
    state = tuple(torch.randn_like(part.float()).to(part.dtype) for part in remembering.initial_state(rows, x.device))
    outputs = []
    for place in range(steps):
        y, state = remembering.step(x[:, place], state, starts[:, place])
        outputs.append(y)
    stepped = torch.stack(outputs, dim=1)
    for row in range(rows):
        bounds = [*starts[row].nonzero().flatten().tolist(), steps]
        for begin, end in itertools.pairwise(bounds):
            whole = remembering.sequence(x[row : row + 1, begin:end])[0]
            torch.testing.assert_close(stepped[row, begin:end], whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["gpt-rotary", "ssm"])
def test_a_memory_begins_as_one_that_was_reset(kind: str) -> None:
    remembering = model(kind, memory="episode")
    token, fresh = torch.randn(3, WIDTH), remembering.initial_state(3, torch.device("cpu"))
    one, _ = remembering.step(token, fresh, torch.zeros(3, dtype=torch.bool))
    other, _ = remembering.step(token, fresh, torch.ones(3, dtype=torch.bool))
    assert torch.equal(one, other)


def test_each_layer_of_a_remembering_gpt_attends_to_a_context_of_tokens() -> None:
    remembering = model("gpt-rotary", layers=1, memory="episode")
    x = torch.randn(5, 3 * CONTEXT, WIDTH)
    outputs, changed = remembering.sequence(x), x.clone()
    changed[:, 0] += torch.randn(WIDTH)
    after = remembering.sequence(changed)
    assert differ(after[:, CONTEXT - 1], outputs[:, CONTEXT - 1])
    assert torch.equal(after[:, CONTEXT:], outputs[:, CONTEXT:])


def test_the_guide_shows_a_recipe_that_builds_its_example() -> None:
    recipe = yaml.safe_load(in_guide("yaml"))
    built = build_body(TypeAdapter(Transformer).validate_python(recipe["transformer"]), OBSERVED, ACTION)
    assert isinstance(built, TransformerBody)
    (gru,) = (part for part in built.model.modules() if isinstance(part, nn.GRU))
    assert gru.hidden_size == recipe["transformer"]["options"]["units"]
    assert built(torch.randn(2, 10, OBSERVED), None).shape == (2, built.features)


WRONG = """
from torch import nn
from acceltui.engine.networks.transformer import SequenceModel

class NoSequenceModel(nn.Module):
    pass

class AllPositions(SequenceModel):
    def __init__(self, width, context, tokens, layers, dropout):
        super().__init__()
    def forward(self, tokens):
        return tokens
"""


@pytest.mark.parametrize(
    ("name", "options", "path", "words"),
    [
        ("nowhere:Model", {}, "model", "the module nowhere cannot be imported: ModuleNotFoundError"),
        ("broken:Model", {}, "model", "the module broken cannot be imported: SyntaxError"),
        ("wrong:Missing", {}, "model", "the module wrong has no class Missing"),
        ("wrong:NoSequenceModel", {}, "model", "wrong:NoSequenceModel is no SequenceModel"),
        ("wrong:SequenceModel", {}, "model", "wrong:SequenceModel is abstract"),
        ("wrong:AllPositions", {}, "model", r"wrong:AllPositions makes \(2, 4, 8\) of tokens \(2, 4, 8\)"),
        ("wrong:AllPositions", {"depth": 3}, "options", "unexpected keyword argument 'depth'"),
        ("wrong:AllPositions", {"width": 3}, "options", "multiple values for keyword argument 'width'"),
    ],
)
def test_what_is_no_sequence_model_is_refused_in_one_sentence(
    name: str, options: dict[str, int], path: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_module(tmp_path, monkeypatch, "wrong", WRONG)
    write_module(tmp_path, monkeypatch, "broken", "class Model(")
    own = CustomSequence(kind="custom", model=name, context=CONTEXT, width=WIDTH, options=options)
    with pytest.raises(SetupError, match=rf"transformer\.{path}: .*{words}"):
        build_model(own, CONTEXT)


def test_the_models_are_what_their_sections_say() -> None:
    kinds = {"gpt-learned": GPTModel, "gtrxl-learned": GTrXLModel, "ssm": SSMModel}
    for kind, expected in kinds.items():
        assert isinstance(model(kind), expected)
