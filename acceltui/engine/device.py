"""Where the arithmetic runs, set on purpose before anything is computed."""

import torch

from acceltui.engine.errors import SetupError
from acceltui.recipe.schema import Engine


def prepare_device(section: Engine, seed: int) -> torch.device:
    """Set threads, precision and the seed of the networks' first weights; gives the device."""
    torch.set_num_threads(section.threads)
    torch.set_float32_matmul_precision(section.precision)
    torch.manual_seed(seed)
    gpus = torch.cuda.device_count()
    if section.device == "auto":
        return torch.device("cuda" if gpus else "cpu")
    device = torch.device(section.device)
    if device.type == "cuda" and (device.index or 0) >= gpus:
        message = f"{section.device} was asked for, and torch {torch.__version__} sees {gpus} GPUs here"
        raise SetupError("device", "engine.device", message, "use `auto` or `cpu`")
    return device
