"""The transformer policy's body: what it reads, and the sequence model in between."""

import importlib
import inspect
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from acceltui.engine.errors import SetupError
from acceltui.engine.networks.actor import Body, State
from acceltui.engine.networks.inputs import Inputs
from acceltui.engine.windows import Past
from acceltui.recipe.schema import CustomSequence


class SequenceModel(nn.Module, ABC):
    """A causal model of a sequence of vectors: the place for an architecture of one's own.

    Position and order are the model's own affair: tokens carry none.
    """

    @abstractmethod
    def forward(self, tokens: Tensor) -> Tensor:
        """What the last of T tokens (B, T, width) has become, (B, width); each may look at all before it."""


class MemoryModel(SequenceModel, ABC):
    """A sequence model that can also carry a memory through an episode, token by token."""

    @abstractmethod
    def initial_state(self, n: int, device: torch.device) -> State:
        """The memory of n episodes that have not begun."""

    @abstractmethod
    def step(self, token: Tensor, state: State, reset: Tensor) -> tuple[Tensor, State]:
        """What the next token of each (N, width) becomes, and the memory after it; `reset` (N,) forgets first."""

    @abstractmethod
    def sequence(self, tokens: Tensor) -> Tensor:
        """What `step` gives for each of T tokens (B, T, width) from a reset, (B, T, width), computed at once."""


class TransformerBody(Body):
    """Tokens made of the window, a sequence model over them, and the last of its outputs."""

    def __init__(self, inputs: Inputs, model: SequenceModel, width: int) -> None:
        super().__init__()
        self.features = width
        self.inputs, self.model = inputs, model

    def forward(self, observed: Tensor, past: Past | None) -> Tensor:
        return self.model(self.inputs(observed, past))

    @property
    def memory(self) -> MemoryModel:
        """The sequence model, which is one that remembers."""
        assert isinstance(self.model, MemoryModel)
        return self.model

    def sequence(self, observed: Tensor) -> Tensor:
        """Features (G, T, F) at each of T encoded observations (G, T, E) from a reset."""
        return self.memory.sequence(self.inputs(observed, None))

    def step(self, observed: Tensor, state: State | None, reset: Tensor) -> tuple[Tensor, State]:
        """Features (N, F) at the next encoded observation (N, 1, E), and the memory after it; None: nothing yet."""
        if state is None:
            state = self.memory.initial_state(len(observed), observed.device)
        return self.memory.step(self.inputs(observed, None)[:, 0], state, reset)


def custom_model(section: CustomSequence, tokens: int) -> SequenceModel:
    """The researcher's own model over `tokens` tokens. Raises SetupError where it is not one."""
    kind = _imported(section.model)
    arguments = {
        "width": section.width,
        "context": section.context,
        "tokens": tokens,
        "layers": section.layers,
        "dropout": section.dropout,
    }
    try:
        inspect.signature(kind).bind(**arguments, **section.options)
    except TypeError as error:
        message = f"{section.model} does not take what it is given: {error}"
        hint = f"it is called with {', '.join(arguments)} and the keys of transformer.options"
        raise SetupError("recipe", "transformer.options", message, hint) from error
    model = kind(**arguments, **section.options)
    training = model.training
    with torch.no_grad():
        given = model.eval()(torch.zeros(2, tokens, section.width))
    if not isinstance(given, Tensor) or given.shape != (2, section.width):
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        message = f"{section.model} makes {shape} of tokens (2, {tokens}, {section.width})"
        hint = f"give the last output alone, (2, {section.width})"
        raise SetupError("recipe", "transformer.model", message, hint)
    return model.train(training)


def _imported(name: str) -> type[SequenceModel]:
    module_name, _, class_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # anything may be wrong with a file under construction
        message = f"the module {module_name} cannot be imported: {type(error).__name__}: {error}"
        hint = "it must lie where accel is called or on PYTHONPATH, or be installed"
        raise SetupError("recipe", "transformer.model", message, hint) from error
    kind = getattr(module, class_name, None)
    if kind is None:
        message = f"the module {module_name} has no class {class_name}"
        raise SetupError("recipe", "transformer.model", message, "name one that it defines")
    if not (isinstance(kind, type) and issubclass(kind, SequenceModel)):
        hint = "derive it from acceltui.engine.networks.transformer.SequenceModel"
        raise SetupError("recipe", "transformer.model", f"{name} is no SequenceModel", hint)
    if inspect.isabstract(kind):
        missing = ", ".join(sorted(kind.__abstractmethods__))
        raise SetupError("recipe", "transformer.model", f"{name} is abstract", f"define {missing}")
    return kind
