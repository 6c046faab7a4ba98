"""How updates are carried out changes how fast they are, and nothing else than rounding."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from engine_recipes import small
from stepping import advance, vector

from acceltui.engine.build import Parts
from acceltui.engine.errors import SetupError
from acceltui.engine.learners.optimize import Metrics
from acceltui.engine.networks.heads import Gaussian
from acceltui.engine.replay import Batch
from acceltui.engine.updates import TIMED, WARM, Updates, Way, copied, has_bfloat16, has_compiler, of_graph, varies
from acceltui.engine.windows import Pictures, Windows
from acceltui.recipe.schema import SSM, Engine, Recipe

CPU = torch.device("cpu")
SHAPES = {
    "env": {"id": "accel/Shapes-v0", "episode_steps": 12},
    "encoder": {"features": 8},
    "accelerator": {"kind": "cnn", "context": 2},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "td3": {},
    "sac": {"algorithm": {"kind": "sac"}, "clone": {"loss": "divergence"}},
    "pictures": SHAPES,
    "lstm": {"accelerator": {"kind": "lstm", "hidden": 16, "context": 4}},
    "discrete": {"env": {"id": "CartPole-v1"}, "algorithm": {"kind": "sac"}, "clone": {"loss": "divergence"}},
    "ssm": {},
}


def small_with(setting: str, **engine: Any) -> Recipe:
    if setting == "ssm":
        section = SSM(kind="ssm", context=3, layers=1, width=8, feedforward=16)
        return small(engine=engine).model_copy(update={"transformer": section})
    return small(engine=engine, **SETTINGS[setting])


def trained(setting: str, steps: int = 60, **engine: Any) -> tuple[Parts, dict[str, float]]:
    """A run's parts after both stages have begun to learn, and what their updates said on average."""
    parts = Parts(small_with(setting, **engine))
    stage = parts.accelerate()
    step = advance(stage, steps)
    assert stage.cloning is not None
    said = {f"accelerate {name}": value for name, value in stage.learning.meter.take().items()}
    said |= {f"clone {name}": value for name, value in stage.cloning.meter.take().items()}
    online = parts.switch(stage, step)
    advance(online, steps // 2, step)
    said |= {f"online {name}": value for name, value in online.learning.meter.take().items()}
    parts.close()
    return parts, said


@pytest.mark.skipif(not has_bfloat16(), reason="this processor has no bfloat16 products")
@pytest.mark.parametrize("setting", SETTINGS)
def test_medium_precision_learns_nearly_the_same(setting: str) -> None:
    nearly_the_same(trained(setting), trained(setting, precision="medium"))


def nearly_the_same(one: tuple[Parts, dict[str, float]], other: tuple[Parts, dict[str, float]]) -> None:
    """Rounding, which many updates have made larger: not equal, and close."""
    assert not torch.equal(vector(one[0].critic.critic), vector(other[0].critic.critic))
    assert one[1].keys() == other[1].keys()
    for name, value in one[1].items():
        assert other[1][name] == pytest.approx(value, rel=0.15, abs=0.05), name
    for network, counterpart in zip(one[0].networks.values(), other[0].networks.values(), strict=True):
        assert all(part.dtype == torch.float32 for part in counterpart.parameters())
        assert torch.cosine_similarity(vector(network), vector(counterpart), dim=0) > 0.98


@pytest.mark.skipif(not has_bfloat16(), reason="this processor has no bfloat16 products")
def test_values_and_log_probabilities_are_not_rounded_to_8_bits() -> None:
    parts = Parts(small_with("sac", precision="medium"))
    stage = parts.accelerate()
    advance(stage, 60)
    batch = stage.learning.replay.sample(16, np.random.default_rng(0))
    seen: dict[str, torch.Tensor] = {}

    def look() -> Metrics:
        hidden = torch.nn.functional.linear(torch.ones(2, 2), torch.ones(2, 2))
        policy = parts.transformer.distribution(batch.windows)
        assert isinstance(policy, Gaussian)
        seen.update(hidden=hidden, mean=policy.mean, values=parts.critic.critic(batch.windows, batch.actions))
        return {}

    parts.carry_out(look)
    assert {name: value.dtype for name, value in seen.items()} == {
        "hidden": torch.bfloat16,
        "mean": torch.float32,
        "values": torch.float32,
    }
    assert not torch.equal(seen["values"], seen["values"].bfloat16().float())


@pytest.mark.slow
@pytest.mark.skipif(not has_compiler(CPU), reason="Inductor has no compiler here")
@pytest.mark.parametrize("setting", ["td3", "pictures"])
def test_compiled_networks_learn_the_same_within_rounding(setting: str) -> None:
    nearly_the_same(trained(setting, compile="never"), trained(setting, compile="inductor"))


def test_on_a_processor_auto_is_eager_and_a_graph_is_refused() -> None:
    auto, _ = trained("td3", steps=20)
    never, _ = trained("td3", steps=20, compile="never")
    assert torch.equal(vector(auto.transformer), vector(never.transformer))
    with pytest.raises(SetupError, match="CUDA graphs are of a GPU, and this run is on cpu") as raised:
        Updates(Engine(compile="graph"), CPU)
    assert raised.value.path == "engine.compile"


def test_without_a_compiler_inductor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(SetupError, match=r"Inductor needs a C\+\+ compiler, and finds none"):
        Updates(Engine(compile="inductor"), CPU)


class Captured:
    """What stands for a graph where there is no GPU: it runs the update on its own copy of the arguments."""

    def __init__(self, update: Any, arguments: tuple[Any, ...]) -> None:
        self.update, self.seen = update, []

    def __call__(self, *arguments: Any) -> Metrics:
        self.seen.append(arguments)
        return self.update(*(copied(argument) for argument in arguments))


@pytest.mark.parametrize(("graph_takes", "chosen"), [(0.5, "a graph"), (2.0, "eager")])
def test_the_faster_way_is_kept_and_told_and_every_call_is_one_update(graph_takes: float, chosen: str) -> None:
    now, done, told, graphs = [0.0], [], [], []

    def update(number: int) -> Metrics:
        done.append(number)
        now[0] += 1.0
        return {"number": torch.tensor(float(number))}

    def capture(update: Any, arguments: tuple[Any, ...]) -> Any:
        graph = Captured(update, arguments)
        graphs.append(graph)

        def replay(*arguments: Any) -> Metrics:
            said = graph(*arguments)
            now[0] += graph_takes - 1.0
            return said

        return replay

    way = Way(update, measures=True, tell=told.append, capture=capture, clock=lambda: now[0])
    calls = 4 * (WARM + TIMED)
    assert [way(number)["number"].item() for number in range(calls)] == list(range(calls))
    assert done == list(range(calls))
    assert len(graphs) == 1 and len(told) == 1
    assert told[0].endswith(f"eager 1000.00 ms, as a CUDA graph {1e3 * graph_takes:.2f} ms: {chosen}")
    last_is_a_graph = graphs[0].seen[-1] == (calls - 1,)
    assert last_is_a_graph == (chosen == "a graph")


def test_a_graph_that_is_asked_for_is_taken_as_soon_as_the_update_is_warm() -> None:
    graphs: list[Captured] = []

    def capture(update: Any, arguments: tuple[Any, ...]) -> Captured:
        graphs.append(Captured(update, arguments))
        return graphs[-1]

    way = Way(lambda number: {}, measures=False, tell=print, capture=capture, clock=lambda: 0.0)
    for number in range(WARM + 3):
        way(number)
    assert [arguments for graph in graphs for arguments in graph.seen] == [(WARM,), (WARM + 1,), (WARM + 2,)]


def batch(rows: int = 4, shared: bool = False) -> Batch:
    image = Pictures.of(torch.zeros(rows, 2, 3, 8, 8, dtype=torch.uint8))
    if shared:
        image = Pictures(image.frames, image.places, image.run_of, image.runs, shared=True)
    windows = Windows(torch.randn(rows, 2, 3), image)
    return Batch(windows, torch.randn(rows, 2), torch.randn(rows), windows, torch.zeros(rows))


def test_a_graph_serves_what_has_the_same_shapes_and_nothing_else() -> None:
    assert of_graph(batch()) == of_graph(batch())
    assert of_graph(batch()) != of_graph(batch(rows=5))
    assert of_graph("mse") != of_graph("divergence")
    assert not varies(batch())
    assert varies(batch(shared=True))  # another number of pictures each time


def test_a_copy_shares_no_tensor_and_keeps_what_is_none() -> None:
    given = batch()
    own = copied(given)
    assert torch.equal(own.windows.state, given.windows.state) and own.windows.past is None
    for mine, theirs in itertools.zip_longest(of_batch(own), of_batch(given)):
        assert mine.data_ptr() != theirs.data_ptr()


def of_batch(given: Batch) -> list[torch.Tensor]:
    assert given.windows.image is not None
    return [given.windows.state, given.windows.image.frames, given.actions, given.rewards]
