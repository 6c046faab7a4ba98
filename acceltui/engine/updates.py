"""How updates are carried out: in which precision, and one kernel after the other or as one CUDA graph."""

import dataclasses
import importlib.util
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from acceltui.engine.errors import SetupError
from acceltui.engine.learners.optimize import Metrics
from acceltui.engine.networks.precision import UNCHANGED
from acceltui.engine.windows import Pictures, Segments
from acceltui.recipe.schema import Engine

Update = Callable[..., Metrics]
WARM, TIMED = 5, 20
"""Calls that are left out of a measurement, and calls that it takes."""


class Updates:
    """Carries out updates as the recipe's `engine` says.

    On a GPU, `auto` times each kind of update both ways, with updates that count, and keeps the faster. On a processor
    a graph has no meaning, and Inductor gained nothing where it was measured (docs/performance.md): `auto` is eager.
    """

    def __init__(
        self, section: Engine, device: torch.device, tell: Callable[[str], None] = lambda message: None
    ) -> None:
        """`tell` is given what was chosen. SetupError where the recipe asks for what is not there."""
        self._halves = section.precision == "medium" and device.type == "cpu" and has_bfloat16()
        self._graphs = device.type == "cuda" and section.compile in ("auto", "graph")
        self._section, self._tell = section, tell
        self._ways: dict[object, Way] = {}
        if section.compile == "graph" and device.type != "cuda":
            message = f"CUDA graphs are of a GPU, and this run is on {device}"
            raise SetupError("device", "engine.compile", message, "use auto, or engine.device: cuda")
        if section.compile == "inductor" and not has_compiler(device):
            wanted = "Triton" if device.type == "cuda" else "a C++ compiler"
            raise SetupError("device", "engine.compile", f"Inductor needs {wanted}, and finds none", "use auto")

    def __call__(self, update: Update, *arguments: Any) -> Metrics:
        """One update: any call that depends on tensors among its arguments and on what stays the same."""
        with self._precision():
            if not self._graphs or any(varies(argument) for argument in arguments):
                return update(*arguments)
            key = (update, *(of_graph(argument) for argument in arguments))
            if key not in self._ways:
                self._ways[key] = Way(update, self._section.compile == "auto", self._tell)
            return self._ways[key](*arguments)

    def prepare(self, *networks: nn.Module) -> None:
        """Let Inductor compile networks, where it is asked for, when they are first called."""
        if self._section.compile == "inductor":
            for network in networks:
                network.compile()

    def forget(self) -> None:
        """Give back what was captured: the updates of a stage that is over."""
        self._ways.clear()

    def _precision(self) -> AbstractContextManager[object]:
        if not self._halves:
            return UNCHANGED
        # Left to itself, oneDNN takes bfloat16 for float32 products only with matrix tiles (AMX). Casts are not kept:
        # an update may step a network's weights and ask it again.
        return torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False)


class Way:
    """One kind of update: eager until it is warm, then a graph, unless that was measured and is slower."""

    def __init__(
        self,
        update: Update,
        measures: bool,
        tell: Callable[[str], None],
        capture: "Callable[[Update, tuple[Any, ...]], Update] | None" = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._update, self._measures, self._tell = update, measures, tell
        self._capture, self._clock = capture or Graph, clock or settled_time
        self._calls, self._began, self._eager = 0, 0.0, 0.0
        self._chosen = update
        self._name = getattr(update, "__qualname__", "update")

    def __call__(self, *arguments: Any) -> Metrics:
        """One update."""
        call, self._calls = self._calls, self._calls + 1
        if self._measures and call in (WARM, WARM + TIMED, 2 * WARM + TIMED, 2 * (WARM + TIMED)):
            self._measure(call, arguments)
        elif not self._measures and call == WARM:
            self._try_capture(arguments)
        return self._chosen(*arguments)

    def _try_capture(self, arguments: tuple[Any, ...]) -> None:
        try:
            self._chosen = self._capture(self._update, arguments)
        except RuntimeError as error:
            self._tell(f"{self._name}: no CUDA graph can be made of it, so it stays eager: {error}")
            self._measures, self._calls = False, WARM + 1  # never again

    def _measure(self, call: int, arguments: tuple[Any, ...]) -> None:
        now = self._clock()
        if call == WARM + TIMED:
            self._eager = now - self._began
            self._try_capture(arguments)
        elif call == 2 * (WARM + TIMED):
            graph = now - self._began
            faster = graph < self._eager
            self._chosen = self._chosen if faster else self._update
            eager, captured = (f"{1e3 * spent / TIMED:.2f} ms" for spent in (self._eager, graph))
            self._tell(f"{self._name}: eager {eager}, as a CUDA graph {captured}: {'a graph' if faster else 'eager'}")
        self._began = now


class Graph:
    """An update as a CUDA graph: captured for some arguments, replayed for others of the same shapes.

    To capture executes nothing. Not yet run on a GPU.
    """

    def __init__(self, update: Update, arguments: tuple[Any, ...]) -> None:
        self._arguments = tuple(copied(argument) for argument in arguments)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._metrics = update(*self._arguments)

    def __call__(self, *arguments: Any) -> Metrics:
        """One update. What it gives is overwritten by the next."""
        for mine, given in zip(tensors(self._arguments), tensors(arguments), strict=True):
            mine.copy_(given)
        self._graph.replay()
        return self._metrics


def tensors(value: Any) -> Iterator[Tensor]:
    """All tensors of an argument, of the dataclasses in it too."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from tensors(part)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from tensors(getattr(value, field.name))


def copied(value: Any) -> Any:
    """An argument with tensors of its own."""
    if isinstance(value, Tensor):
        return value.clone()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: copied(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **parts)
    return value


def varies(argument: Any) -> bool:
    """Whether shapes depend on what was drawn, so that a graph would serve once."""
    if isinstance(argument, Segments) or (isinstance(argument, Pictures) and argument.shared):
        return True
    fields = dataclasses.fields(argument) if dataclasses.is_dataclass(argument) else ()
    return any(varies(getattr(argument, field.name)) for field in fields)


def of_graph(argument: Any) -> object:
    """What must be the same for a graph to serve: the shapes of tensors, and all else as it is."""
    if isinstance(argument, Tensor) or dataclasses.is_dataclass(argument):
        return tuple(part.shape for part in tensors(argument))
    return argument


def settled_time() -> float:
    """Seconds, when the GPU has done all it was given."""
    torch.cuda.synchronize()
    return time.perf_counter()


def has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 numbers faster than float32."""
    return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))


def has_compiler(device: torch.device) -> bool:
    """Whether Inductor can compile for the device."""
    if device.type == "cuda":
        return importlib.util.find_spec("triton") is not None
    return any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "clang++"))
