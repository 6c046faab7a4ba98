"""PPO: advantages, what is remembered of acting, the update against a plain one, both stages, and that it learns."""

import json
import math
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from engine_process import engine, engine_command, events, new_run, resolved, rows
from engine_recipes import small
from stepping import adam_state, advance, vector
from torch import Tensor, nn

from acceltui.engine.build import Parts
from acceltui.engine.learners.ppo import PPO, Minibatch, StateValue, generalized_advantages
from acceltui.engine.on_policy import OnPolicy
from acceltui.engine.stages import Accelerate, OnlineStage
from acceltui.recipe.schema import PPO as Section
from acceltui.recipe.schema import Recipe

ROLLOUT = 20
CARTPOLE = {"env": {"id": "CartPole-v1", "num_envs": 2}, "clone": {"loss": "divergence"}}


def small_ppo(algorithm: dict[str, Any] | None = None, **changes: Any) -> Recipe:
    """The small recipe with rollouts of 20 steps, in 2 environments unless told."""
    changes["env"] = {"num_envs": 2} | changes.get("env", {})
    section = {"kind": "ppo", "rollout_steps": ROLLOUT, "batch_size": 16, "epochs": 2, "learning_rate": 1e-3}
    section |= algorithm or {}
    return small(**changes).model_copy(update={"algorithm": Section.model_validate(section)})


def acting(stage: Accelerate | OnlineStage) -> OnPolicy:
    assert isinstance(stage.learning, OnPolicy)
    return stage.learning


def fill(learning: OnPolicy) -> None:
    """Act until the rollout is full, and do not learn from it."""
    while not learning.rollout.full:
        learning.explore()


# Episodes of environment 0 end at steps 2 (by itself) and 5 (time limit), of 1 at 0 and 4, of 2 never.
ENDS = {(2, 0): "terminated", (5, 0): "truncated", (0, 1): "truncated", (4, 1): "terminated"}


@pytest.mark.parametrize(("discount", "gae_lambda"), [(0.9, 0.8), (0.99, 1.0), (0.5, 0.0)])
def test_advantages_are_sums_of_errors_within_an_episode(discount: float, gae_lambda: float) -> None:
    steps, envs = 8, 3
    generator = torch.Generator().manual_seed(0)
    rewards, values, next_values = torch.randn(3, steps, envs, generator=generator)
    terminated, ended = torch.zeros(2, steps, envs)
    for place, how in ENDS.items():
        ended[place] = 1.0
        terminated[place] = float(how == "terminated")
    given = generalized_advantages(rewards, values, next_values, terminated, ended, discount, gae_lambda)
    for env in range(envs):
        for start in range(steps):
            wanted, weight = 0.0, 1.0
            for step in range(start, steps):
                after = 0.0 if ENDS.get((step, env)) == "terminated" else next_values[step, env].item()
                wanted += weight * (rewards[step, env].item() + discount * after - values[step, env].item())
                weight *= discount * gae_lambda
                if (step, env) in ENDS:
                    break
            assert given[start, env].item() == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("bootstrap", ["truncated", "always"])
def test_the_last_observation_is_valued_at_a_time_limit_and_not_where_the_pole_fell(bootstrap: str) -> None:
    """Of one step at a time, so that returns are those of a single step: reward + discount x value of what came."""
    recipe = small_ppo(
        {"gae_lambda": 0.0, "discount": 0.9},
        **CARTPOLE | {"env": {"id": "CartPole-v1", "num_envs": 2, "episode_steps": 12, "bootstrap": bootstrap}},
    )
    parts = Parts(recipe)
    learning = acting(parts.accelerate())
    kinds = set()
    for _ in range(5):
        fill(learning)
        rollout, replay = learning.rollout, learning.replay
        targets = rollout.values + rollout.advantages(0.9, 0.0, learning.bootstrap_always)
        for step in range(ROLLOUT):
            came = replay.gather(np.arange(2), rollout.frames[step])
            value = parts.critic.critic(came.next_windows).detach()
            counts = torch.ones(2) if bootstrap == "always" else 1 - came.terminated
            assert torch.allclose(targets[step], came.rewards + 0.9 * counts * value, atol=1e-5)
            kinds |= {
                (bool(ended), bool(fell)) for ended, fell in zip(rollout.ended[step], came.terminated, strict=True)
            }
        rollout.taken = 0
    assert kinds == {(False, False), (True, False), (True, True)}


def test_a_rollout_of_the_shortest_episodes_is_still_held_when_it_is_learned_from() -> None:
    recipe = small_ppo(
        {"rollout_steps": 60},
        env={"episode_steps": 1},
        accelerator={"replay": 240},
        online={"replay": 240},
    )
    learning = acting(Parts(recipe).accelerate())
    for _ in range(3):
        seen = []
        while not learning.rollout.full:
            seen.append(learning.interaction.windows.state)
            learning.explore()
        for frames, windows in zip(learning.rollout.frames, seen, strict=True):
            assert torch.equal(learning.replay.gather(np.arange(2), frames).windows.state, windows)
        learning.rollout.taken = 0


ACTORS: list[dict[str, Any]] = [
    {"accelerator": {"kind": "mlp"}},
    {"accelerator": {"kind": "lstm", "context": 4, "hidden": 8, "replay": 400, "steps": 120}},
    {"method": "scratch", "transformer": {"dropout": 0.3}},
    {"method": "scratch", "transformer": {"inputs": "interleaved"}},
    {"method": "scratch", "transformer": {"head": "mixture", "inputs": "concatenated"}},
    {"method": "scratch", **CARTPOLE},
]


def with_actor(changes: dict[str, Any], **more: Any) -> Recipe:
    """A recipe of one of `ACTORS`; an lstm takes the place of the small recipe's mlp whole."""
    changes = dict(changes)
    lstm = changes.pop("accelerator", {}) if changes.get("accelerator", {}).get("kind") == "lstm" else None
    recipe = small_ppo(**changes, **more)
    if lstm is None:
        return recipe
    return recipe.model_copy(
        update={
            "accelerator": Recipe.model_validate(
                {"version": 1, "name": "x", "env": {"id": "Pendulum-v1"}, "accelerator": lstm}
            ).accelerator
        }
    )


@pytest.mark.parametrize("changes", ACTORS, ids=["mlp", "lstm", "gpt-dropout", "gpt-actions", "mixture", "categorical"])
def test_before_the_first_step_the_policy_that_learns_is_the_one_that_acted(changes: dict[str, Any]) -> None:
    parts = Parts(with_actor(changes))
    stage = parts.scratch() if parts.recipe.method == "scratch" else parts.accelerate()
    learning = acting(stage)
    seen = 0
    for _ in range(2):  # the second begins within an episode
        fill(learning)
        for batch in learning.minibatches(torch.randn(ROLLOUT, 2)):
            policy = learning.learner.actor.distribution(batch.windows)
            assert torch.allclose(policy.log_prob(batch.actions), batch.log_probs, atol=1e-4)
            values = learning.learner.critic(batch.windows)
            assert torch.allclose(batch.returns - batch.advantages, values, atol=1e-4)
            # The loss of a ratio of 1 is the mean of advantages that are normalised: zero.
            noise = torch.randn(len(batch.windows), learning.learner.noise)
            learning.learner.optimizer.param_groups[0]["lr"] = 0.0
            metrics = learning.learner.update_actor(batch, noise)
            assert abs(metrics["loss/actor"].item()) < 1e-4
            assert metrics["policy/clipped"] == 0
            seen += len(batch.windows)
        learning.rollout.taken = 0
    assert seen == 2 * 2 * ROLLOUT


def plain_log_prob_and_entropy(actor: nn.Module, batch: Minibatch, discrete: bool) -> tuple[Tensor, Tensor]:
    """From the standard library of distributions."""
    policy = actor.distribution(batch.windows)
    if discrete:
        chosen = torch.distributions.Categorical(logits=policy.log_probs)
        return chosen.log_prob(batch.actions.argmax(dim=1)), chosen.entropy()
    normal = torch.distributions.Normal(policy.mean, policy.log_std.exp())
    return normal.log_prob(batch.actions).sum(dim=1), normal.entropy().sum(dim=1)


@pytest.mark.parametrize("discrete", [False, True], ids=["gaussian", "categorical"])
def test_updates_are_those_of_the_paper(discrete: bool) -> None:
    """Three updates of actor and value network, against a loop over rows, loss.backward and plain Adam."""
    changed = CARTPOLE if discrete else {"clone": {"loss": "divergence"}}
    algorithm = {"clip": 0.05, "entropy_bonus": 0.03, "gradient_norm": 0.4, "learning_rate": 0.01}
    ours, theirs = (Parts(small_ppo(algorithm, **changed)) for _ in range(2))
    for mine, copy in zip(ours.networks.values(), theirs.networks.values(), strict=True):
        copy.load_state_dict(mine.state_dict())
    learning = acting(ours.accelerate())
    fill(learning)
    actor, value = theirs.accelerator, theirs.critic.critic
    optimizers = torch.optim.Adam(actor.parameters(), lr=0.01), torch.optim.Adam(value.parameters(), lr=0.01)
    clipped = 0
    torch.manual_seed(0)
    for batch in learning.minibatches(torch.randn(ROLLOUT, 2)):
        noise = torch.randn(len(batch.windows), learning.learner.noise)
        learning.learner.update_critic(batch)
        learning.learner.update_actor(batch, noise, ours.transformer, 0.7, "divergence")

        mean = sum(batch.advantages.tolist()) / len(batch.advantages)
        spread = math.sqrt(sum((each - mean) ** 2 for each in batch.advantages.tolist()) / len(batch.advantages))
        log_probs, entropy = plain_log_prob_and_entropy(actor, batch, discrete)
        loss = torch.zeros(())
        for row, advantage in enumerate(batch.advantages.tolist()):
            ratio, standard = (log_probs[row] - batch.log_probs[row]).exp(), (advantage - mean) / spread
            limited = min(max(ratio.item(), 0.95), 1.05)
            clipped += limited != ratio.item()
            worst = (
                ratio * standard if ratio.item() * standard <= limited * standard else torch.tensor(limited * standard)
            )
            loss = loss - worst / len(batch.advantages)
        taught = ours.transformer.distribution(batch.windows)
        student = actor.distribution(batch.windows)
        if discrete:
            pair = (torch.distributions.Categorical(logits=each.log_probs) for each in (taught, student))
            distance = torch.distributions.kl_divergence(*pair)
        else:
            pair = (torch.distributions.Normal(each.mean, each.log_std.exp()) for each in (taught, student))
            distance = torch.distributions.kl_divergence(*pair).sum(dim=1)
        policy_loss = loss - 0.03 * entropy.mean() + 0.7 * distance.mean()
        value_loss = sum((value(batch.windows) - batch.returns) ** 2) / len(batch.returns)
        for each, network, optimizer in zip((policy_loss, value_loss), (actor, value), optimizers, strict=True):
            optimizer.zero_grad()
            each.backward(inputs=list(network.parameters()))
            length = math.sqrt(sum(parameter.grad.square().sum().item() for parameter in network.parameters()))
            for parameter in network.parameters():
                parameter.grad *= min(1.0, 0.4 / length)
            optimizer.step()
    assert clipped > 0
    assert torch.allclose(vector(ours.accelerator), vector(actor), atol=2e-5)
    assert torch.allclose(vector(ours.critic.critic), vector(value), atol=2e-5)


def test_nothing_is_learned_before_a_rollout_is_full_and_then_all_of_it_in_every_epoch() -> None:
    parts = Parts(small_ppo({"epochs": 3}))
    stage = parts.accelerate()
    initial = vector(parts.accelerator), vector(parts.critic.critic)
    step = advance(stage, 2 * ROLLOUT - 2)
    assert torch.equal(vector(parts.accelerator), initial[0]) and torch.equal(vector(parts.critic.critic), initial[1])
    step = advance(stage, 2, step)
    assert not torch.equal(vector(parts.accelerator), initial[0])
    assert not torch.equal(vector(parts.critic.critic), initial[1])
    assert acting(stage).updates == 3 * 3  # 40 windows in parts of at most 16
    advance(stage, 2 * ROLLOUT, step)
    assert acting(stage).updates == 2 * 3 * 3


def test_the_value_network_stays_over_the_switch_and_the_rollout_begins_anew() -> None:
    parts = Parts(small_ppo(online={"critic_warmup": 0, "algorithm": {"learning_rate": 5e-4, "rollout_steps": 10}}))
    stage = parts.accelerate()
    step = advance(stage, 90)
    section, value, moments = parts.critic, vector(parts.critic.critic), adam_state(parts.critic.optimizer)
    assert isinstance(section, StateValue) and acting(stage).rollout.taken == 5
    online = parts.switch(stage, step)
    learning = acting(online)
    learner = learning.learner
    assert isinstance(learner, PPO)
    assert learner.critic is parts.critic is section and learner.actor is parts.transformer
    assert torch.equal(vector(section.critic), value)
    assert all(map(torch.equal, adam_state(section.optimizer), moments))
    assert section.optimizer.param_groups[0]["lr"] == learner.optimizer.param_groups[0]["lr"] == 5e-4
    assert not learner.optimizer.state and learning.rollout.taken == 0
    windows = learning.interaction.windows
    advance(online, 2, step)
    assert learning.rollout.taken == 1
    kept = learning.replay.gather(np.arange(2), learning.rollout.frames[0])
    assert torch.equal(kept.windows.state, windows.state)  # of episodes that the accelerator began
    taken = parts.transformer.distribution(windows).log_prob(kept.actions)
    assert torch.allclose(taken, learning.rollout.log_probs[0], atol=1e-5)


def test_while_the_critic_warms_up_the_policy_stays() -> None:
    parts = Parts(small_ppo(online={"critic_warmup": 60, "clone_fade": 0}))
    stage = parts.accelerate()
    step = advance(stage, 80)
    online = parts.switch(stage, step)
    policy, value = vector(parts.transformer), vector(parts.critic.critic)
    step = advance(online, 2 * ROLLOUT, step)
    assert acting(online).updates > 0
    assert torch.equal(vector(parts.transformer), policy)
    assert not torch.equal(vector(parts.critic.critic), value)
    advance(online, 2 * ROLLOUT, step)
    assert not torch.equal(vector(parts.transformer), policy)


@pytest.mark.parametrize("env", [{}, CARTPOLE], ids=["pendulum", "cartpole"])
def test_a_whole_run_passes_both_stages(env: dict[str, Any], tmp_path: Path) -> None:
    folder = new_run(tmp_path, small_ppo(**env))
    done = engine("run", folder.path, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    measured = rows(folder)
    for stage in ("accelerate", "online"):
        named = {name for row in measured if row["stage"] == stage for name in row}
        assert {"loss/actor", "loss/critic", "loss/clone", "transformer/return"} <= named
    assert all(math.isfinite(value) for row in measured for value in row.values() if isinstance(value, float))
    assert len(events(folder, "switch")) == len(events(folder, "finish")) == 1
    for checkpoint in folder.checkpoints.iterdir():
        files = {file.stem for file in checkpoint.glob("*.safetensors")}
        assert files == {"accelerator", "transformer", "value", "state"}


def test_a_run_is_planned_over_whole_rollouts(tmp_path: Path) -> None:
    recipe = small_ppo()
    done = engine("plan", resolved(tmp_path, recipe), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    plan = json.loads(done.stdout)
    assert plan["parameters"]["critic"] == (2 * 3 + 1) * 16 + 17 * 16 + 17
    assert plan["speed"]["measured_steps"] % (2 * ROLLOUT) == 0
    assert plan["seconds"]["online"] == pytest.approx(recipe.online.steps / plan["speed"]["online"])


LEARNING: dict[str, Any] = {
    "version": 1,
    "name": "cartpole",
    "engine": {"device": "cpu", "threads": 1},
    "env": {"id": "CartPole-v1", "num_envs": 8},
    "algorithm": {
        "kind": "ppo",
        "rollout_steps": 128,
        "batch_size": 128,
        "learning_rate": 1e-3,
        "entropy_bonus": 0.005,
    },
    "critic": {"hidden": [64, 64]},
    "accelerator": {"kind": "mlp", "hidden": [64, 64], "replay": 20_000, "steps": 5_120},
    "transformer": {"context": 4, "layers": 1, "heads": 2, "width": 32, "feedforward": 64},
    "clone": {"loss": "divergence", "newest": 10_000, "batch_size": 128, "updates_per_step": 0.1},
    "online": {"replay": 10_000, "steps": 20_480, "clone_fade": 5_120, "seed_replay": 0},
    "evaluation": {"every": 5_120, "episodes": 10, "num_envs": 10},
    "log": {"every": 1_000, "tensorboard": False},
}


@pytest.mark.slow
@pytest.mark.learning
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_accelerated_transformer_balances_the_pole(seed: int, tmp_path: Path) -> None:
    """The accelerator has five rollouts, after which its teaching is not enough: the rest is stage online's."""
    folder = new_run(tmp_path, Recipe.model_validate(LEARNING | {"seed": seed}))
    subprocess.run(engine_command("run", folder.path), check=True)
    measured = rows(folder)
    online = [row["transformer/return"] for row in measured if row["stage"] == "online" and "transformer/return" in row]
    assert np.mean(online[-2:]) > 400, online
