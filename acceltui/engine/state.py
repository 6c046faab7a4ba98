"""What a run is made of at one moment, as nested dicts and lists of tensors, arrays and plain values.

Written as safetensors and JSON, so that reading it can execute nothing.
"""

import errno
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from acceltui.runs.files import file_mode, read_regular

State = dict[str, Any]
TENSOR, ARRAY = "$tensor", "$array"
"""Keys under which the document says where a tensor lies that was one, or was an array."""
LARGEST_DOCUMENT = 1 << 28


def save_state(state: State, path: Path) -> None:
    """Write `path` with .json and .safetensors."""
    tensors: dict[str, Tensor] = {}
    document = _packed(state, "", tensors)
    save_tensors(tensors, path.with_suffix(".safetensors"))
    path.with_suffix(".json").write_text(json.dumps(document))


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write a file of tensors; OSError where the disk does not take it."""
    try:
        save_file(dict(tensors), path)
        path.chmod(file_mode(path.parent))  # the library's own are for the owner alone
    except SafetensorError as error:
        raise OSError(errno.EIO, f"{path.name} cannot be written: {error}") from error


def load_state(path: Path) -> State:
    """What `save_state` wrote, on the processor; ValueError or OSError where it is damaged."""
    # Copied: what lies in the file is aligned to 8 bytes, and sums over it may round otherwise than over torch's own.
    tensors = {name: part.clone() for name, part in load_file(path.with_suffix(".safetensors")).items()}
    document = json.loads(read_regular(path.with_suffix(".json"), LARGEST_DOCUMENT)[0])
    unpacked = _unpacked(document, tensors)
    if not isinstance(unpacked, dict):
        raise ValueError(f"{path.name} holds no state")
    return unpacked


def _packed(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    match value:
        case Tensor():
            # Of its own: two parts of a state may share memory, which the format does not write.
            tensors[path] = value.detach().cpu().contiguous().clone()
            return {TENSOR: path}
        case np.ndarray():
            tensors[path] = torch.from_numpy(np.ascontiguousarray(value)).clone()
            return {ARRAY: path, "shape": list(value.shape)}
        case np.generic():
            return value.item()
        case Mapping():
            return {str(key): _packed(part, f"{path}/{key}", tensors) for key, part in value.items()}
        case list() | tuple():
            return [_packed(part, f"{path}/{number}", tensors) for number, part in enumerate(value)]
    return value


def _unpacked(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    match value:
        case {"$tensor": path}:
            return tensors[path]
        case {"$array": path, "shape": shape}:
            return tensors[path].numpy().reshape(shape)
        case dict():
            return {key: _unpacked(part, tensors) for key, part in value.items()}
        case list():
            return [_unpacked(part, tensors) for part in value]
    return value


def optimizer_state(optimizer: torch.optim.Optimizer) -> State:
    """Moments; a parameter that was never stepped has none. The learning rate is the recipe's."""
    (group,) = optimizer.param_groups
    return {"moments": [dict(optimizer.state.get(part, {})) for part in group["params"]]}


def load_optimizer(optimizer: torch.optim.Optimizer, state: State) -> None:
    """Go on as the one that `state` was taken of."""
    (group,) = optimizer.param_groups
    for parameter, moments in zip(group["params"], state["moments"], strict=True):
        optimizer.state[parameter] = {
            # Where a fused step wants its count to be: with the parameter.
            name: value.to(parameter.device)
            for name, value in moments.items()
        }


def generator_state(generator: np.random.Generator) -> State:
    """Where a generator stands."""
    return dict(generator.bit_generator.state)


def new_generator(state: State) -> np.random.Generator:
    """A generator that stands there. ValueError where it is of no kind that numpy has."""
    kinds = {"PCG64": np.random.PCG64, "PCG64DXSM": np.random.PCG64DXSM}
    if state.get("bit_generator") not in kinds:
        raise ValueError(f"no generator is called {state.get('bit_generator')!r}")
    bits = kinds[state["bit_generator"]]()
    bits.state = state
    return np.random.Generator(bits)
