"""Environments: what is seen, what is hidden, how many at once."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from acceltui.recipe.schema.base import Count, CountOrZero, Integer, NotNegative, Section, kind_or

Bootstrap = Literal["truncated", "always"]
NumEnvs = Annotated[Integer, Field(ge=1, le=1024)]
Pixels = Annotated[Integer, Field(ge=8, le=1024)]


class GymnasiumEnv(Section):
    """A Gymnasium environment: a flat Box or an image to see, a Box or a choice to do."""

    kind: Literal["gymnasium"] = "gymnasium"
    id: Annotated[str, Field(min_length=1, max_length=200)]
    """As `gymnasium.make` takes it. `module:Name-v0` imports code and needs `--allow-import module`."""
    hide: Literal["velocities", "positions"] | None = None
    """Part of the observation taken away, by the environment's own `observation_structure`."""
    keep: Annotated[list[CountOrZero], Field(min_length=1)] | None = None
    """Indices of the observation that remain, where no structure names them."""
    observation_noise: NotNegative = 0.0
    """Standard deviation of Gaussian noise added to each observation."""
    drop_frames: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Probability that an observation is lost and the one before it is seen again."""
    episode_steps: Count | None = None
    """Time limit of an episode; absent: the environment's own."""
    num_envs: NumEnvs = 1
    """Environments stepped together; each counts its steps."""
    processes: bool = False
    """A process for each environment instead of all in the engine's. They step while the updates are computed, which
    see what came of it one step later (not with ppo, which learns between rollouts)."""
    bootstrap: Bootstrap = "truncated"
    """Value the state after the last: at time limits only, or `always` (at termination as well)."""


class ManiSkillEnv(Section):
    """A ManiSkill task. It needs a Vulkan device, even where nothing is drawn."""

    kind: Literal["maniskill"]
    id: Annotated[str, Field(min_length=1, max_length=200)]
    observation: Literal["state", "rgb", "rgb+state"] = "state"
    """`state`: all that the simulation knows; `rgb`: the camera; `rgb+state`: the camera, and what the robot knows of
    itself."""
    camera: Annotated[list[Pixels], Field(min_length=2, max_length=2)] = [64, 64]
    """Height and width of the picture."""
    control: Annotated[str, Field(min_length=1, max_length=100)] = "pd_joint_delta_pos"
    """The robot's controller, one of those the task has."""
    reward: Literal["normalized_dense", "dense", "sparse"] = "normalized_dense"
    episode_steps: Count | None = None
    """Time limit of an episode; absent: the task's own."""
    backend: Literal["auto", "cpu", "gpu"] = "auto"
    """`gpu`: all environments in one simulation on the device; `cpu`: a process each, which steps
    while the updates are computed (not with ppo)."""
    num_envs: NumEnvs = 1
    """Environments stepped together; each counts its steps."""
    bootstrap: Bootstrap = "truncated"
    """Value the state after the last: at time limits only, or `always` (at success as well)."""


Env = Annotated[GymnasiumEnv | ManiSkillEnv, Field(discriminator="kind"), BeforeValidator(kind_or("gymnasium"))]
