"""What a user would write for stage 2: TD3 on `nn.TransformerEncoder`, windows stored one by one, nothing tuned."""

import copy
import itertools

import gymnasium
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from acceltui.recipe.schema import Recipe


class Policy(nn.Module):
    """The window through an encoder with a causal mask; the action of the last position."""

    def __init__(self, observed: int, action: int, recipe: Recipe) -> None:
        super().__init__()
        section = recipe.transformer
        self.embed = nn.Linear(observed, section.width)
        self.positions = nn.Parameter(torch.randn(section.context, section.width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            section.width, section.heads, section.feedforward, dropout=0.0, activation="gelu", batch_first=True,
            norm_first=True,
        )  # fmt: skip
        self.encoder = nn.TransformerEncoder(layer, section.layers, nn.LayerNorm(section.width))
        self.action = nn.Linear(section.width, action)
        self.mask = nn.Transformer.generate_square_subsequent_mask(section.context)

    def forward(self, windows: Tensor) -> Tensor:
        seen = self.encoder(self.embed(windows) + self.positions, mask=self.mask, is_causal=True)
        return torch.tanh(self.action(seen[:, -1]))


def critic(inputs: int, hidden: list[int]) -> nn.Sequential:
    """A multilayer perceptron to one value."""
    widths, layers = [inputs, *hidden], []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 1))


class PlainStage:
    """The loop: act, store the window, learn."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.section = recipe, recipe.algorithm
        self.env = gymnasium.make(recipe.env.id)
        observed, self.action = self.env.observation_space.shape[0], self.env.action_space.shape[0]
        self.policy = Policy(observed, self.action, recipe)
        self.critics = nn.ModuleList(critic(observed + self.action, recipe.critic.hidden) for _ in range(2))
        self.targets = copy.deepcopy(nn.ModuleList([self.policy, *self.critics]))
        self.policy_adam = torch.optim.Adam(self.policy.parameters(), lr=self.section.learning_rate)
        self.critic_adam = torch.optim.Adam(self.critics.parameters(), lr=self.section.learning_rate)
        capacity, context = recipe.online.replay, recipe.transformer.context
        self.windows = np.zeros((capacity, context, observed), np.float32)
        self.next_windows = np.zeros_like(self.windows)
        self.actions = np.zeros((capacity, self.action), np.float32)
        self.rewards, self.ended = np.zeros((capacity, 1), np.float32), np.zeros((capacity, 1), np.float32)
        self.step, self.updates, self.draws = 0, 0, np.random.default_rng(recipe.seed)
        self.window = self.begin()

    def begin(self) -> np.ndarray:
        """The first window of an episode."""
        observation, _ = self.env.reset(seed=self.recipe.seed if self.step == 0 else None)
        return np.repeat(observation[None].astype(np.float32), self.recipe.transformer.context, axis=0)

    def run(self, steps: int) -> None:
        """Train for some steps."""
        for _ in range(steps):
            self.advance()

    def advance(self) -> None:
        """One environment step and one update."""
        if self.step < self.section.random_steps:
            action = self.draws.uniform(-1, 1, self.action).astype(np.float32)
        else:
            with torch.no_grad():
                action = self.policy(torch.from_numpy(self.window[None]))[0].numpy()
            action = np.clip(action + self.section.exploration_noise * self.draws.standard_normal(self.action), -1, 1)
        observation, reward, terminated, truncated, _ = self.env.step(action)
        after = np.concatenate((self.window[1:], observation[None].astype(np.float32)))
        slot = self.step % len(self.windows)
        self.windows[slot], self.next_windows[slot] = self.window, after
        self.actions[slot], self.rewards[slot], self.ended[slot] = action, reward, terminated
        self.step += 1
        self.window = self.begin() if terminated or truncated else after
        if self.step > self.section.random_steps:
            self.update()

    def update(self) -> None:
        """One update of TD3."""
        rows = self.draws.integers(0, min(self.step, len(self.windows)), self.section.batch_size)
        stored = (self.windows, self.next_windows, self.actions, self.rewards, self.ended)
        windows, after, actions, rewards, ended = (torch.from_numpy(part[rows]) for part in stored)
        target_policy, *target_critics = self.targets
        with torch.no_grad():
            noise = (torch.randn_like(actions) * 0.2).clamp(-0.5, 0.5)
            chosen = torch.cat((after[:, -1], (target_policy(after) + noise).clamp(-1, 1)), dim=1)
            value = torch.minimum(*(network(chosen) for network in target_critics))
            aim = rewards + self.section.discount * (1 - ended) * value
        pairs = torch.cat((windows[:, -1], actions), dim=1)
        loss = sum(F.mse_loss(network(pairs), aim) for network in self.critics)
        self.critic_adam.zero_grad()
        loss.backward()
        self.critic_adam.step()
        self.updates += 1
        if self.updates % self.section.policy_delay:
            return
        loss = -self.critics[0](torch.cat((windows[:, -1], self.policy(windows)), dim=1)).mean()
        self.policy_adam.zero_grad()
        loss.backward()
        self.policy_adam.step()
        with torch.no_grad():
            networks = nn.ModuleList([self.policy, *self.critics])
            for target, network in zip(self.targets.parameters(), networks.parameters(), strict=True):
                target.mul_(1 - self.section.tau).add_(self.section.tau * network)
