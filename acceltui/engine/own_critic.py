"""The transformer's own critic, learned during stage accelerate, in place of the accelerator's (arXiv 2509.26137)."""

import torch
from torch.nn import functional as F

from acceltui.engine.learners.critic import TargetedCritic
from acceltui.engine.learners.optimize import Metrics, descend
from acceltui.engine.learners.sac import SAC
from acceltui.engine.learners.td3 import TD3
from acceltui.engine.replay import Batch
from acceltui.engine.state import State, load_optimizer, optimizer_state


class OwnCritic:
    """Learns the accelerator's values, or by Bellman backup with the transformer's actions, or both in turn."""

    def __init__(self, learner: TD3 | SAC, accelerators: TargetedCritic, clones: bool, backs_up: bool) -> None:
        """`learner` holds the transformer as its actor, and the critic that is to learn."""
        self.learner, self.accelerators = learner, accelerators
        self.clones, self.backs_up = clones, backs_up

    @property
    def critic(self) -> TargetedCritic:
        """What stage online begins with."""
        return self.learner.critic

    def state(self) -> State:
        """Networks, targets and optimizers of its own."""
        networks = {name: network.state_dict() for name, network in self.critic.networks.items()}
        return {
            "networks": networks,
            "optimizer": optimizer_state(self.critic.optimizer),
            "learner": self.learner.state(),
        }

    def load(self, state: State) -> None:
        """Go on from there."""
        for name, network in self.critic.networks.items():
            network.load_state_dict(state["networks"][name])
        load_optimizer(self.critic.optimizer, state["optimizer"])
        self.learner.load(state["learner"])

    def update(self, batch: Batch, noise: torch.Tensor) -> Metrics:
        """One step of each kind; `noise` (B, noise of the learner) is standard normal."""
        metrics: Metrics = {}
        if self.clones:
            with torch.no_grad():
                wanted = self.accelerators.critic(batch.windows, batch.actions)
            loss = F.mse_loss(self.critic.critic(batch.windows, batch.actions), wanted)
            descend(loss, self.critic.optimizer)
            metrics["loss/critic_clone"] = loss.detach()
        if self.backs_up:
            metrics["loss/critic_own"] = self.learner.update_critic(batch, noise)["loss/critic"]
        self.learner.move_targets()  # TD3's backup asks a target of the transformer, which follows it
        return metrics
