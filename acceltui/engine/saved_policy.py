"""A policy that a run has saved: which checkpoint, whose weights."""

from dataclasses import dataclass

import torch
from safetensors.torch import load_file

from acceltui.engine.envs.base import Spaces
from acceltui.engine.errors import SetupError
from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.build import build_actor
from acceltui.engine.state import State
from acceltui.recipe.resolved import load_resolved
from acceltui.recipe.schema import Recipe
from acceltui.runs.checkpoints import Found, find_telling, listed, pick, skipped
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import RunError

POLICIES = {
    "accelerated": ("transformer", "accelerator"),
    "scratch": ("transformer",),
    "accelerator": ("accelerator",),
}
"""Those that a method trains, the one that it is for first."""


@dataclass(frozen=True)
class SavedPolicy:
    """One policy of a checkpoint, read."""

    found: Found
    name: str
    """transformer or accelerator."""
    recipe: Recipe
    """What it was trained with."""
    weights: State
    notes: list[str]
    """Sentences on what was passed over to come to this one."""

    def actor(self, spaces: Spaces, device: torch.device) -> Actor:
        """The policy itself. SetupError where what `spaces` show is not what it was trained on."""
        section = self.recipe.transformer if self.name == "transformer" else self.recipe.accelerator
        with torch.random.fork_rng(devices=[]):  # its first weights are drawn for nothing
            actor = build_actor(section, self.recipe, spaces)
        try:
            actor.load_state_dict(self.weights)
        except RuntimeError as error:
            message = f"{self.recipe.env.id} shows or takes something else than when {self.found.path.name} was trained"
            raise SetupError("environment", "env.id", message, "is it of another version?") from error
        return actor.to(device).eval()


def find_policy(folder: RunFolder, checkpoint: str | None, policy: str | None) -> SavedPolicy:
    """A saved policy of a run. `checkpoint`: best, switch, last or a step; None for the best, or else the last.
    `policy`: transformer or accelerator; None for the one that the run's method is for.

    Raises RunError where there is none that can be used; only the files that are needed are looked at.
    """
    found, notes = find_telling(folder)
    if not found:
        damaged = f" that can be used: {notes[0]}." if notes else " yet."
        raise RunError(f"{folder.name} has no checkpoint{damaged}")
    wanted = pick(found, checkpoint or "best")
    if checkpoint is None:
        best = len(wanted)
        wanted += pick(found, "last")
    elif not wanted:
        raise RunError(f"{folder.name} has no checkpoint at {checkpoint!r}. There are: {listed(found)}.")
    elif checkpoint != "last":
        notes = []
    for number, one in enumerate(wanted):
        wrong = one.damage_of("recipe.yaml")
        if not wrong:
            recipe = load_resolved(one.path / "recipe.yaml")
            name = policy or POLICIES[recipe.method][0]
            if name not in POLICIES[recipe.method]:
                raise RunError(f"{folder.name} has no {name}: it was trained with method {recipe.method}.")
            wrong = one.damage_of(f"{name}.safetensors")
        if not wrong:
            if checkpoint is None and number >= best:
                notes.append(f"{folder.name} has no checkpoint of its best that can be used: this is the last")
            return SavedPolicy(one, name, recipe, load_file(one.path / f"{name}.safetensors"), notes)
        notes.append(skipped(one.path.name, wrong))
    raise RunError(f"{folder.name} has no checkpoint that can be used: {'; '.join(dict.fromkeys(notes))}.")
