"""SAC: choices against a plain implementation, the entropy coefficient, and both stages with every kind of policy."""

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from engine_process import new_run
from engine_recipes import small
from learner_batches import CHOICES, REAL, batches, new_learner, noises
from safetensors.torch import load_file
from stepping import adam_state, advance, at_the_switch, vector
from torch import Tensor, nn
from torch.nn import functional as F

from acceltui.engine.build import Parts
from acceltui.engine.checkpoint import Checkpoints, Moment
from acceltui.engine.learners.sac import SAC
from acceltui.engine.networks.heads import Mixture

DISCRETE: dict[str, Any] = {"env": {"id": "CartPole-v1"}, "clone": {"loss": "divergence"}}
RATE, DISCOUNT, TAU, START = 1e-3, 0.9, 0.05, 0.4


def new_sac(spaces: Any = REAL, **changes: Any) -> SAC:
    settings = {"kind": "sac", "learning_rate": RATE, "discount": DISCOUNT, "tau": TAU, "entropy": {"start": START}}
    learner = new_learner(spaces, algorithm=settings | changes)
    assert isinstance(learner, SAC)
    return learner


class PlainDiscreteSAC:
    """Discrete SAC as in arXiv 1910.07207, equations 10 to 12, one line each."""

    def __init__(self, copied: SAC) -> None:
        body = [layer for layer in copied.actor.modules() if isinstance(layer, nn.Linear)]
        self.actor = stack([(layer.weight, layer.bias) for layer in body])
        pairs = list(zip(copied.critic.critic.weights, copied.critic.critic.biases, strict=True))
        self.critics = nn.ModuleList(stack([(w[i].T, b[i, 0]) for w, b in pairs]) for i in (0, 1))
        self.targets = copy.deepcopy(self.critics)
        self.log_alpha = torch.tensor(math.log(START), requires_grad=True)
        self.target_entropy = 0.5 * math.log(3)
        self.adams = [
            torch.optim.Adam(parameters, lr=RATE)
            for parameters in (self.actor.parameters(), self.critics.parameters(), [self.log_alpha])
        ]

    def update(self, now: Tensor, choice: Tensor, reward: Tensor, after: Tensor, ended: Tensor) -> None:
        alpha = self.log_alpha.exp().item()
        with torch.no_grad():
            pi = self.actor(after).softmax(1)
            lowest = torch.min(*(critic(after) for critic in self.targets))
            y = reward + DISCOUNT * (1 - ended) * (pi * (lowest - alpha * pi.log())).sum(1)
        taken = [critic(now).gather(1, choice[:, None])[:, 0] for critic in self.critics]
        self.step(1, 0.5 * sum(F.mse_loss(value, y) for value in taken))
        pi = self.actor(now).softmax(1)
        with torch.no_grad():
            lowest = torch.min(*(critic(now) for critic in self.critics))
        self.step(0, (pi * (alpha * pi.log() - lowest)).sum(1).mean())
        pi = pi.detach()
        self.step(2, (pi * (-self.log_alpha * (pi.log() + self.target_entropy))).sum(1).mean())
        for target, critic in zip(self.targets.parameters(), self.critics.parameters(), strict=True):
            target.data = (1 - TAU) * target.data + TAU * critic.data

    def step(self, which: int, loss: Tensor | float) -> None:
        assert isinstance(loss, Tensor)
        self.adams[which].zero_grad()
        loss.backward()
        self.adams[which].step()


def stack(layers: list[tuple[Tensor, Tensor]]) -> nn.Sequential:
    """nn.Linear layers with ReLU between them, from weights (outputs, inputs) and biases."""
    modules: list[nn.Module] = []
    for weight, bias in layers:
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data.copy_(weight)
        linear.bias.data.copy_(bias)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def test_updates_with_choices_agree_with_a_plain_implementation() -> None:
    ours = new_sac(CHOICES)
    plain = PlainDiscreteSAC(ours)
    for batch, noise in zip(batches(30, CHOICES), noises(30, 1), strict=True):
        ours.update_critic(batch, noise)
        ours.update_actor(batch, noise)
        windows = batch.windows.state.flatten(1), batch.next_windows.state.flatten(1)
        plain.update(windows[0], batch.actions.argmax(dim=1), batch.rewards, windows[1], batch.terminated)

    again = PlainDiscreteSAC(ours)  # its parts, in the plain layout
    for mine, other in ((again.actor, plain.actor), (again.critics, plain.critics)):
        torch.testing.assert_close(vector(mine), vector(other), rtol=0, atol=1e-5)
    ours.critic.critic = ours.critic.target
    torch.testing.assert_close(vector(PlainDiscreteSAC(ours).critics), vector(plain.targets), rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.entropy.log_alpha.detach()[0], plain.log_alpha.detach(), rtol=0, atol=1e-5)
    assert (vector(ours.actor) - vector(new_sac(CHOICES).actor)).abs().max() > 5e-3


def test_the_target_of_the_entropy() -> None:
    assert new_sac().entropy.target == -2
    assert new_sac(CHOICES).entropy.target == pytest.approx(0.5 * math.log(3))
    assert new_sac(entropy={"target": -0.7}).entropy.target == -0.7


@pytest.mark.parametrize("spaces", [REAL, CHOICES], ids=["real", "choices"])
def test_the_coefficient_grows_where_entropy_is_missing_and_shrinks_where_there_is_too_much(spaces: Any) -> None:
    for target, grows in ((30.0, True), (-30.0, False)):
        sac = new_sac(spaces, entropy={"start": START, "target": target})
        for batch, noise in zip(batches(5, spaces), noises(5, sac.noise), strict=True):
            metrics = sac.update_actor(batch, noise)
        assert (metrics["entropy/coefficient"] > START) == grows


def test_a_coefficient_without_target_stays() -> None:
    sac = new_sac(entropy={"start": START, "target": None})
    for batch, noise in zip(batches(5), noises(5, sac.noise), strict=True):
        metrics = sac.update_actor(batch, noise)
    assert metrics["entropy/coefficient"].item() == pytest.approx(START)


def test_the_coefficient_waits_while_a_teacher_pulls() -> None:
    """What the entropy is then is the teacher's doing: tuned all the while, the coefficient would go astray."""
    teacher = new_sac().actor
    for target in (30.0, -30.0):
        sac = new_sac(entropy={"start": START, "target": target})
        for batch, noise in zip(batches(5), noises(5, sac.noise), strict=True):
            metrics = sac.update_actor(batch, noise, teacher, 1.0, "divergence")
        assert metrics["entropy/coefficient"].item() == pytest.approx(START)


def test_the_policy_reaches_the_entropy_asked_for() -> None:
    sac = new_sac(CHOICES, learning_rate=1e-2, entropy={"start": 0.05, "target": 0.8})
    (batch,) = batches(1, CHOICES)
    for weight in sac.critic.critic.parameters():
        weight.data.mul_(3)  # values worth a strong preference
    for _ in range(600):
        metrics = sac.update_actor(batch, noises(1, 1)[0])
    assert metrics["entropy/policy"].item() == pytest.approx(0.8, abs=0.1)


def test_what_comes_after_a_termination_does_not_count() -> None:
    for ended, counts in ((0.0, True), (2.0, False)):
        (batch,) = batches(1, ended=ended)
        losses = []
        for worth in (0.0, 100.0):
            sac = new_sac()
            sac.critic.target.biases[-1].data += worth
            losses.append(sac.update_critic(batch, noises(1, sac.noise)[0])["loss/critic"].item())
        assert (losses[0] != losses[1]) == counts


def test_a_teacher_pulls_the_policy_to_it() -> None:
    """The more, the more cloning weighs."""
    teacher = new_sac().actor
    teacher.head.mean.bias.data += 0.7

    def distance(weight: float) -> float:
        sac = new_sac()
        (batch,) = batches(1)
        for _ in range(100):
            metrics = sac.update_actor(batch, noises(1, sac.noise)[0], teacher, weight, "divergence")
        return metrics["loss/clone"].item()

    far, near, nearest = distance(0.0), distance(1.0), distance(100.0)
    assert nearest < near < far
    assert nearest < 0.2 * far


POLICIES: dict[str, dict[str, Any]] = {
    "mlp": {},
    "lstm": {"accelerator": {"kind": "lstm", "context": 3, "hidden": 8}},
    "mixture": {"transformer": {"head": "mixture", "components": 3}},
    "mixture-by-likelihood": {
        "transformer": {"head": "mixture", "components": 3},
        "clone": {"loss": "cross_entropy"},
    },
    "mixture-by-divergence": {
        "transformer": {"head": "mixture", "components": 3},
        "clone": {"loss": "divergence"},
    },
    "choices": DISCRETE,
    "choices-by-likelihood": DISCRETE | {"clone": {"loss": "cross_entropy"}},
}


@pytest.mark.parametrize("policy", POLICIES)
def test_both_stages_learn_with_every_kind_of_policy(policy: str) -> None:
    # Without the term that fades, what the transformer does after the switch is SAC alone.
    changes = POLICIES[policy] | {"algorithm": {"kind": "sac"}, "online": {"clone_fade": 20, "critic_warmup": 10}}
    recipe = small(**changes)
    parts = Parts(recipe)
    begun = vector(parts.accelerator), vector(parts.transformer)
    stage = parts.accelerate()
    step = advance(stage, recipe.accelerator.steps)
    metrics = stage.learning.meter.take()
    assert stage.cloning is not None
    metrics |= stage.cloning.meter.take()
    assert {"loss/actor", "loss/critic", "loss/clone", "entropy/policy", "entropy/coefficient"} <= metrics.keys()
    assert not torch.equal(vector(parts.accelerator), begun[0])
    assert not torch.equal(vector(parts.transformer), begun[1])

    online = parts.switch(stage, step)
    taught = vector(parts.accelerator), vector(parts.transformer)
    advance(online, 40, step)
    metrics |= online.learning.meter.take()
    assert torch.equal(vector(parts.accelerator), taught[0])
    assert not torch.equal(vector(parts.transformer), taught[1])
    assert all(math.isfinite(value) for value in metrics.values())
    if "mixture" in policy:
        assert isinstance(parts.transformer.distribution(online.learning.interaction.windows), Mixture)


def test_the_entropy_coefficient_and_its_optimizer_stay_over_the_switch() -> None:
    parts, stage, step = at_the_switch(algorithm={"kind": "sac"})
    entropy = parts.entropy
    assert entropy is not None
    before = entropy.alpha().item(), adam_state(entropy.optimizer)
    assert before[0] != 1.0 and before[1]
    online = parts.switch(stage, step)
    assert isinstance(online.learning.learner, SAC)
    assert online.learning.learner.entropy is entropy
    assert entropy.alpha().item() == before[0]
    assert all(torch.equal(mine, old) for mine, old in zip(adam_state(entropy.optimizer), before[1], strict=True))
    updates = entropy.optimizer.state[entropy.log_alpha]["step"].item()
    step = advance(online, 40, step)
    assert entropy.optimizer.state[entropy.log_alpha]["step"].item() == updates, "it waits until cloning has faded"
    advance(online, 5, step)
    assert entropy.optimizer.state[entropy.log_alpha]["step"].item() == updates + 5


def test_checkpoints_hold_the_entropy_coefficient(tmp_path: Path) -> None:
    parts, stage, step = at_the_switch(algorithm={"kind": "sac"})
    folder = new_run(tmp_path, parts.recipe)
    checkpoints = Checkpoints(folder, attempt=1, recipe=small())
    names = [checkpoints.save(Moment(step, "accelerate", parts.networks, {}, {}), ["switch"])["name"]]
    online = parts.switch(stage, step)
    assert parts.entropy is not None
    coefficients = [parts.entropy.log_alpha.item()]
    step = advance(online, 60, step)
    names.append(checkpoints.save(Moment(step, "online", parts.networks, {}, {}), ["end"])["name"])
    coefficients.append(parts.entropy.log_alpha.item())

    saved = [load_file(folder.checkpoints / name / "entropy.safetensors")["log_alpha"].item() for name in names]
    assert saved == coefficients
    assert len({0.0, *saved}) == 3


def test_the_entropys_learning_rate_is_that_of_the_stage() -> None:
    recipe = small(algorithm={"kind": "sac", "learning_rate": 1e-3}, online={"algorithm": {"learning_rate": 1e-5}})
    parts = Parts(recipe)
    stage = parts.accelerate()
    assert parts.entropy is not None
    assert parts.entropy.optimizer.param_groups[0]["lr"] == 1e-3
    parts.switch(stage, advance(stage, 60))
    assert parts.entropy.optimizer.param_groups[0]["lr"] == 1e-5
