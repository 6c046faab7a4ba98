"""What a recipe may say: one frozen, strict model a section, defaults included.

A field's docstring is its description in the JSON Schema that editors read. Numbers are in environment steps unless a
docstring says otherwise. Checks that need two fields at once live in `acceltui.recipe.checks`.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from acceltui.recipe.schema.algorithm import PPO, SAC, TD3, Algorithm, AlgorithmChanges, Entropy, TargetNoise
from acceltui.recipe.schema.base import Integer, Section
from acceltui.recipe.schema.env import Env, GymnasiumEnv, ManiSkillEnv
from acceltui.recipe.schema.networks import (
    GPT,
    SSM,
    Accelerator,
    CNNAccelerator,
    Critic,
    CustomSequence,
    Encoder,
    GTrXL,
    LSTMAccelerator,
    MLPAccelerator,
    SequencePolicy,
    Transformer,
)
from acceltui.recipe.schema.stages import (
    Checkpoint,
    Clone,
    Evaluation,
    Log,
    Online,
    Plateau,
    Rollouts,
    Rule,
    Share,
)

__all__ = [
    "GPT",
    "PPO",
    "SAC",
    "SSM",
    "TD3",
    "Accelerator",
    "Algorithm",
    "AlgorithmChanges",
    "CNNAccelerator",
    "Checkpoint",
    "Clone",
    "Critic",
    "CustomSequence",
    "Encoder",
    "Engine",
    "Entropy",
    "Env",
    "Evaluation",
    "GTrXL",
    "GymnasiumEnv",
    "LSTMAccelerator",
    "Log",
    "MLPAccelerator",
    "ManiSkillEnv",
    "Online",
    "Plateau",
    "Recipe",
    "Rollouts",
    "Rule",
    "Section",
    "SequencePolicy",
    "Share",
    "TargetNoise",
    "Transformer",
]


class Engine(Section):
    """Where and how the arithmetic runs; none of it changes what is learned."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    """`auto` takes a GPU where there is one; `cpu`, `cuda` or `cuda:1` insist."""
    threads: Annotated[Integer, Field(ge=1, le=256)] = 1
    """Threads for the arithmetic. A second one saves up to a sixth of the time where it has a core of its own, for half
    as much processor time again; where it has none it makes a run several times slower."""
    precision: Literal["highest", "high", "medium"] = "highest"
    """Of float32 matrix products, as `torch.set_float32_matmul_precision` defines it; `medium` takes bfloat16 on a
    processor that has it."""
    compile: Literal["auto", "never", "graph", "inductor"] = "auto"
    """`graph`: each kind of update as one CUDA graph; `auto`: where that is measured to be faster, on a GPU;
    `inductor`: networks compiled by `torch.compile`, half a minute and more at the start of each stage."""


AnySection = TypeVar("AnySection", bound=Section)


def laid_over(section: AnySection, changes: Section) -> AnySection:
    """`section` with the keys that `changes` gives, the keys of sections within it likewise."""
    update: dict[str, Any] = {}
    for key in changes.model_fields_set:
        given = getattr(changes, key)
        if given is None:
            continue
        mine = getattr(section, key, None)  # a key of another kind is refused elsewhere
        if isinstance(mine, Section) and isinstance(given, Section):
            given = laid_over(mine, given)
        update[key] = given
    return section.model_copy(update=update)


class Recipe(Section):
    """A whole training run."""

    version: Literal[1]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    """The beginning of the run folder's name: letters, digits, `_`, `.` and `-`."""
    seed: Annotated[Integer, Field(ge=0, lt=2**31)] = 1
    method: Literal["accelerated", "scratch", "accelerator"] = "accelerated"
    """`scratch`: the transformer alone; `accelerator`: the accelerator alone; both over the sum of the budgets."""
    engine: Engine = Engine()
    env: Env
    algorithm: Algorithm = TD3()
    encoder: Encoder = Encoder()
    """Used where the environment shows images."""
    critic: Critic = Critic()
    accelerator: Accelerator
    transformer: Transformer = GPT()
    clone: Clone = Clone()
    switch: Rule | None = None
    """Absent: the key, the command or the end of the budget switches."""
    online: Online = Online()
    evaluation: Evaluation = Evaluation()
    checkpoint: Checkpoint = Checkpoint()
    log: Log = Log()

    @property
    def online_algorithm(self) -> TD3 | SAC | PPO:
        """The algorithm of stage online: `algorithm` with the keys of `online.algorithm` laid over it."""
        return laid_over(self.algorithm, self.online.algorithm)

    @property
    def total_steps(self) -> int:
        """Training steps of the whole run: the sum of both budgets, whatever the method."""
        return self.accelerator.steps + self.online.steps

    @property
    def contexts(self) -> dict[str, int]:
        """The context of each network that the method uses, by the name of its section."""
        contexts = {"critic": self.critic.context}
        if self.method != "scratch":
            contexts["accelerator"] = self.accelerator.context
        if self.method != "accelerator":
            contexts["transformer"] = self.transformer.context
        return contexts

    @property
    def window(self) -> int:
        """Observations in a sampled window: the longest context; each network takes its tail."""
        return max(self.contexts.values())

    @property
    def sees_past(self) -> bool:
        """Whether windows carry the actions and rewards that led to their observations."""
        return self.method != "accelerator" and self.transformer.inputs != "observations"
