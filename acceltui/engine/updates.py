"""How updates are carried out: in which precision."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager

import torch

from acceltui.engine.learners.optimize import Metrics
from acceltui.recipe.schema import Engine


class Updates:
    """Carries out updates as the recipe's `engine` says."""

    def __init__(self, section: Engine, device: torch.device) -> None:
        self._halves = section.precision == "medium" and device.type == "cpu" and has_bfloat16()

    def __call__(self, update: Callable[..., Metrics], *arguments: object) -> Metrics:
        """One update."""
        with self._precision():
            return update(*arguments)

    def _precision(self) -> AbstractContextManager[object]:
        if not self._halves:
            return contextlib.nullcontext()
        # Left to itself, oneDNN takes bfloat16 for float32 products only with matrix tiles (AMX). Casts are not kept:
        # an update may step a network's weights and ask it again.
        return torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False)


def has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 numbers faster than float32."""
    return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
