"""A memory carried from step to step while acting is the memory of training, wherever episodes begin and end."""

import numpy as np
import pytest
import torch
from counting_env import counting_envs, counting_spaces
from engine_recipes import small
from stepping import advance, vector
from witness import key_of

from acceltui.engine.build import Parts
from acceltui.engine.envs.vector import GymnasiumVector
from acceltui.engine.evaluate import Evaluator
from acceltui.engine.interaction import Interaction, deterministic
from acceltui.engine.networks.actor import Actor, Segment
from acceltui.engine.networks.build import build_actor
from acceltui.engine.replay import Replay

CONTEXT, LAYERS = 3, 2
KINDS = {
    "gpt": {"kind": "gpt", "positions": "rotary", "heads": 2, "feedforward": 16},
    "ssm": {"kind": "ssm", "state": 4, "feedforward": 16},
}
CPU = torch.device("cpu")


def recipe(kind: str, burn_in: int):
    section = KINDS[kind] | {"context": CONTEXT, "layers": LAYERS, "width": 8, "memory": "episode"}
    document = small().model_dump(by_alias=True)
    return type(small()).model_validate(document | {"transformer": section | {"burn_in": burn_in}})


def remembering(kind: str, burn_in: int) -> Actor:
    torch.manual_seed(0)
    made = recipe(kind, burn_in)
    return build_actor(made.transformer, made, counting_spaces()).eval()


def play(actor: Actor, steps: int, capacity: int = 150) -> tuple[Replay, dict, Interaction]:
    """Act in three environments that reset at different times; gives what was done at each observation."""
    envs = GymnasiumVector(counting_envs([3, 9], [5], [2, 4, 11]), counting_spaces(), CPU)
    replay = Replay(capacity, 3, counting_spaces(), CONTEXT + 1, CPU)
    interaction = Interaction(envs, CONTEXT + 1, CPU, replay)
    interaction.reset(0)
    taken = {}
    with torch.no_grad():
        for _ in range(steps):
            actions = interaction.consult(actor).mode()
            taken |= {
                key_of(state): action for state, action in zip(interaction.windows.state[:, -1], actions, strict=True)
            }
            interaction.step(actions)
    return replay, taken, interaction


@pytest.mark.parametrize("kind", KINDS)
def test_an_action_in_training_is_the_action_taken(kind: str) -> None:
    actor = remembering(kind, burn_in=20)  # longer than any episode: training begins where acting did
    replay, taken, _ = play(actor, 80, capacity=300)  # and no beginning is overwritten
    batch = replay.sample(100, np.random.default_rng(0), memory=actor.segment)
    assert len(batch.windows) == len(batch.actions) == 100
    then = torch.stack([taken[key_of(state)] for state in batch.windows.state[:, -1]])
    assert torch.equal(batch.actions, then)
    with torch.no_grad():
        torch.testing.assert_close(actor(batch.windows), then, rtol=0, atol=1e-5)
        later = actor(batch.next_windows)
    compared = 0
    for state, action in zip(batch.next_windows.state[:, -1], later, strict=True):
        if (expected := taken.get(key_of(state))) is not None:
            torch.testing.assert_close(action, expected, rtol=0, atol=1e-5)
            compared += 1
    assert compared > 50


@pytest.mark.parametrize("kind", KINDS)
def test_the_memory_reaches_further_than_the_context_and_not_over_a_reset(kind: str) -> None:
    actor = remembering(kind, burn_in=0)
    windows, state = torch.randn(1, 12, 3), None
    never, always = torch.zeros(1, dtype=torch.bool), torch.ones(1, dtype=torch.bool)

    def last(first: torch.Tensor, reset_at: int) -> torch.Tensor:
        nonlocal state
        state = None
        with torch.no_grad():
            for step in range(first.shape[1]):
                features, state = actor.body.step(
                    first[:, step : step + 1], state, always if step == reset_at else never
                )
        return features

    changed = windows.clone()
    changed[:, 12 - CONTEXT - 1] += 1  # before the last `context` steps
    assert not torch.equal(last(windows, 0), last(changed, 0))
    assert torch.equal(last(windows, 10), last(changed, 10))


@pytest.mark.parametrize(("length", "burn_in"), [(1, 0), (4, 0), (4, 3), (30, 5)])
def test_a_segment_is_of_one_episode_and_fills_the_batch(length: int, burn_in: int) -> None:
    replay, _, _ = play(remembering("ssm", 0), 80)
    batch = replay.sample(64, np.random.default_rng(1), memory=Segment(length, burn_in))
    segments = batch.windows.segments
    assert segments is not None
    assert len(batch.rewards) == 64
    steps = segments.state.shape[1]
    assert steps == length + burn_in + 1
    for row, picked in enumerate(segments.pick.tolist()):
        group, at = divmod(picked, steps)
        assert torch.equal(segments.state[group, at], batch.windows.state[row, -1])
        assert torch.equal(segments.state[group, at + 1], batch.next_windows.state[row, -1])
        seen = [key_of(state) for state in segments.state[group, : at + 1]]
        assert seen == [(*seen[0][:2], seen[0][2] + step) for step in range(len(seen))]


@pytest.mark.parametrize("kind", KINDS)
def test_both_stages_learn_with_a_memory(kind: str) -> None:
    parts = Parts(recipe(kind, burn_in=2))
    stage = parts.accelerate()
    initial = vector(parts.transformer)
    step = advance(stage, 120)
    cloned = vector(parts.transformer)
    assert not torch.equal(cloned, initial)
    online = parts.switch(stage, step)
    advance(online, 60, step)
    assert not torch.equal(vector(parts.transformer), cloned)
    evaluator = Evaluator(parts)
    once = evaluator.evaluate("transformer", deterministic(parts.transformer))
    assert evaluator.evaluate("transformer", deterministic(parts.transformer)) == once
