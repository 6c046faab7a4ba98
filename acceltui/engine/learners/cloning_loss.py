"""How far the transformer's policy is from the accelerator's."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from acceltui.engine.networks.actor import Actor
from acceltui.engine.networks.heads import Distribution, Stochastic
from acceltui.engine.windows import Windows

Kind = Literal["mse", "cross_entropy", "divergence"]


def cloning_loss(kind: Kind, student: Distribution, teacher: Distribution, noise: Tensor) -> Tensor:
    """A scalar that is least where both policies are the same (arXiv 2509.26137, stage 1).

    `mse` compares the deterministic actions; `cross_entropy` is the negative log-likelihood of an action drawn from the
    teacher; `divergence` that from the teacher to the student. `noise` (B, noise of the teacher's head) is standard
    normal. The teacher learns nothing from it.
    """
    if kind == "mse":
        return F.mse_loss(student.mode(), teacher.mode().detach())
    assert isinstance(student, Stochastic) and isinstance(teacher, Stochastic)
    if kind == "cross_entropy":
        return -student.log_prob(teacher.sample(noise).detach()).mean()
    return teacher.divergence_to(student, noise).mean()


def distance_to(teacher: Actor, windows: Windows, student: Distribution, kind: Kind, noise: Tensor) -> Tensor:
    """The cloning loss to what a teacher says at `windows`; of `noise`, it takes the columns that its head needs."""
    with torch.no_grad():
        taught = teacher.distribution(windows)
    return cloning_loss(kind, student, taught, noise[:, : teacher.head.noise])
