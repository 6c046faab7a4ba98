"""The random generators of a run."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from acceltui.engine.state import State, generator_state


@dataclass(frozen=True)
class Draws:
    """The random generators of a run, one for each use, so that no use disturbs another."""

    exploration: np.random.Generator
    replay: np.random.Generator
    cloning: np.random.Generator
    noise: torch.Generator
    """On the device."""

    @classmethod
    def seeded(cls, seed: int, device: torch.device) -> "Draws":
        """Generators that depend on the seed alone."""
        *numpy_seeds, noise = np.random.SeedSequence(seed).spawn(4)
        exploration, replay, cloning = map(np.random.default_rng, numpy_seeds)
        on_device = torch.Generator(device).manual_seed(int(noise.generate_state(1)[0]))
        return cls(exploration, replay, cloning, on_device)

    def standard_normal(self, rows: int, columns: int) -> Tensor:
        """Noise (rows, columns) on the device."""
        return torch.randn(rows, columns, generator=self.noise, device=self.noise.device)

    def state(self) -> State:
        """Where each stands, and torch's own generators, which dropout draws from."""
        return {
            "exploration": generator_state(self.exploration),
            "replay": generator_state(self.replay),
            "cloning": generator_state(self.cloning),
            "noise": self.noise.get_state(),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self.noise.device) if self.noise.device.type == "cuda" else None,
        }

    def load(self, state: State) -> None:
        """Go on from there; noise drawn on another kind of device than then begins as it was seeded."""
        for name in ("exploration", "replay", "cloning"):
            getattr(self, name).bit_generator.state = state[name]
        torch.set_rng_state(state["torch"])
        on_gpu = self.noise.device.type == "cuda"
        if on_gpu == (state["cuda"] is not None):
            self.noise.set_state(state["noise"])
            if on_gpu:
                torch.cuda.set_rng_state(state["cuda"], self.noise.device)
