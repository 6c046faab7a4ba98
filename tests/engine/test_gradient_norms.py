"""What is told of gradients: how long they were, before anything shortened them."""

from typing import Any

import pytest
import torch
from learner_batches import CONTEXT, batches, new_learner, noises
from resuming import recipe_of
from stepping import advance
from torch import Tensor, nn

from acceltui.engine.build import Parts


def length(network: nn.Module) -> Tensor:
    """Of the gradient that the last step of a network took."""
    return torch.cat([part.grad.flatten() for part in network.parameters() if part.grad is not None]).norm()


@pytest.mark.parametrize("kind", ["td3", "sac"])
def test_learners_tell_the_length_of_their_gradients(kind: str) -> None:
    learner = new_learner(algorithm={"kind": kind}, accelerator={"context": CONTEXT})
    (batch,) = batches(1)
    said = learner.update_critic(batch, *noises(1, learner.noise))
    said |= learner.update_actor(batch, *noises(1, learner.actor_noise))
    assert said["grad/critic"].item() == pytest.approx(length(learner.critic.critic).item(), rel=1e-5)
    assert said["grad/actor"].item() == pytest.approx(length(learner.actor).item(), rel=1e-5)
    assert not any(value.requires_grad for value in said.values())


PPO = {"kind": "ppo", "rollout_steps": 16, "batch_size": 8, "epochs": 1, "gradient_norm": 1e-3}


@pytest.mark.parametrize("changes", [{}, {"algorithm": PPO}], ids=["td3", "ppo"])
def test_rows_have_the_mean_of_what_updates_told(changes: dict[str, Any]) -> None:
    """PPO shortens the gradients of actor and critic, which the row must not hide."""
    parts = Parts(recipe_of(changes))
    stage = parts.accelerate()
    advance(stage, 64)
    parts.close()
    assert stage.cloning is not None
    said = stage.learning.meter.take() | stage.cloning.meter.take()
    taken = {
        "grad/critic": length(parts.critic.critic),
        "grad/actor": length(parts.accelerator),
        "grad/clone": length(parts.transformer),
    }
    assert taken.keys() <= said.keys()
    if changes:
        assert taken["grad/critic"] <= 1.001e-3 < 0.01 < said["grad/critic"]
        assert taken["grad/actor"] <= 1.001e-3 < 0.01 < said["grad/actor"]
    assert said["grad/clone"] > 0
