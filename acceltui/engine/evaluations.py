"""The evaluations of a run so far: of which policies, which was the best, what the switch rule may see of them."""

from typing import NamedTuple

from acceltui.engine.build import Parts
from acceltui.engine.evaluate import Evaluator
from acceltui.engine.interaction import deterministic
from acceltui.engine.networks.actor import Actor
from acceltui.engine.state import State
from acceltui.engine.switch import Evaluated


class Score(NamedTuple):
    """How good an evaluation was. Success goes first: where it ends an episode, the return of a success is smaller."""

    success: float = 0.0
    reward: float = -float("inf")
    """The return."""

    @classmethod
    def of(cls, measured: dict[str, float]) -> "Score":
        """Of the transformer, or of the accelerator where it is alone."""
        name = "transformer" if "transformer/return" in measured else "accelerator"
        return cls(measured.get(f"{name}/success", 0.0), measured.get(f"{name}/return", -float("inf")))

    def __str__(self) -> str:
        return f"return {self.reward:.1f}" + (f", success {self.success:.2f}" if self.success else "")


class Evaluations:
    """They are run in environments of their own, whose steps are counted."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._evaluator = Evaluator(parts)
        self.history: list[Evaluated] = []
        """Those that count for the rule."""
        self.best = Score()
        self.at: int | None = None
        """The step of the newest."""
        self.returns: dict[str, float] = {}
        """Returns and shares of success of the newest."""
        self.random: dict[str, float] = {}
        """The same of random actions."""

    @property
    def steps(self) -> int:
        """Environment steps that they took."""
        return self._evaluator.steps

    def measure_random(self) -> dict[str, float]:
        """The return of random actions, from which shares are measured."""
        self.random = self._evaluator.random()
        return self.random

    def measure(self, stage: str) -> dict[str, float]:
        """Of the policies that a stage is about."""
        policies: dict[str, Actor] = {}
        if stage == "accelerate":
            policies["accelerator"] = self._parts.accelerator
        if self._parts.recipe.method != "accelerator":
            policies["transformer"] = self._parts.transformer
        values: dict[str, float] = {}
        for name, policy in policies.items():
            values |= self._evaluator.evaluate(name, deterministic(policy))
        return values

    def note(self, step: int, values: dict[str, float]) -> bool:
        """Take these for the newest; gives whether they are the best."""
        self.at = step
        self.returns = {name: value for name, value in values.items() if name.endswith(("/return", "/success"))}
        best, self.best = self.best, max(self.best, Score.of(self.returns))
        return self.best > best

    def count_for_rule(self) -> None:
        """Let the rule see the newest."""
        assert self.at is not None
        self.history.append(Evaluated(self.at, self.returns))

    def state(self) -> State:
        """All of it."""
        return {
            "steps": self.steps,
            "history": [[entry.step, entry.returns] for entry in self.history],
            "best": list(self.best),
            "at": self.at,
            "returns": self.returns,
            "random": self.random,
        }

    def load(self, state: State) -> None:
        """Go on from there."""
        self._evaluator.steps = state["steps"]
        self.history = [Evaluated(step, returns) for step, returns in state["history"]]
        self.best = Score(*state["best"])
        self.at, self.returns, self.random = state["at"], state["returns"], state["random"]
