"""What only the engine's libraries know of this machine: `python -m acceltui.engine.doctor` prints it as JSON.

A list of checks as `acceltui.launch.doctor` has them. The libraries are asked one by one, so that one that is broken
leaves the others their say.
"""

import json
import os
import sys
from ctypes.util import find_library
from importlib.metadata import version
from importlib.util import find_spec
from shutil import which
from typing import Any

from acceltui.engine.vulkan import find_devices, problem

Check = dict[str, Any]


def check(name: str, state: str, found: str, remedy: str = "", needed: bool = False) -> Check:
    """A check's outcome; `needed`: by every run."""
    return {"name": name, "state": state, "found": found, "remedy": remedy, "needed": needed}


def torch_and_gpu() -> list[Check]:
    """Whether torch can be imported, and what it computes on."""
    try:
        import torch
    except Exception as error:
        found = f"torch cannot be imported: {type(error).__name__}: {error}"
        return [check("torch", "missing", found, "install it again: `make clean setup`", needed=True)]
    torch_found = check("torch", "ok", torch.__version__, needed=True)
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        return [torch_found, check("GPU", "ok", ", ".join(names))]
    if which("nvidia-smi"):
        found = f"the machine has a driver for NVIDIA GPUs, but torch {torch.__version__} sees no GPU"
        return [torch_found, check("GPU", "warning", found, "install a torch built for the driver's CUDA version")]
    return [torch_found, check("GPU", "ok", "none: runs compute on the processor")]


def simulator() -> list[Check]:
    """Whether ManiSkill recipes can run."""
    if find_spec("mani_skill") is None:
        remedy = "for ManiSkill recipes: `make setup`, or `pip install 'acceltui[maniskill]'`"
        return [check("ManiSkill", "missing", "not installed", remedy)]
    maniskill = check("ManiSkill", "ok", version("mani_skill"))
    devices = find_devices()
    if trouble := problem(devices):
        remedy = "for ManiSkill recipes: `make system-packages`"
        return [maniskill, check("Vulkan", "warning" if devices else "missing", trouble, remedy)]
    found = ", ".join(f"{device.name}, {device.driver}" for device in devices)
    if all(device.on_processor for device in devices):
        found += ": pictures are drawn on the processor, slowly"
    return [maniskill, check("Vulkan", "ok", found)]


def rendering() -> list[Check]:
    """Whether MuJoCo can draw pictures; training from states does not."""
    chosen, egl = os.environ.get("MUJOCO_GL"), find_library("EGL")
    if chosen == "egl" and not egl:
        return [check("MUJOCO_GL", "warning", "egl, but there is no EGL library", "install libegl1, or unset it")]
    if chosen:
        return [check("MUJOCO_GL", "ok", chosen)]
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return [check("MUJOCO_GL", "ok", "not set: MuJoCo draws with the display")]
    if egl or find_library("OSMesa"):
        found = f"not set: videos are drawn without a display, by {'EGL' if egl else 'OSMesa'}"
        return [check("MUJOCO_GL", "ok", found)]
    found = "not set, and there is neither a display nor EGL: MuJoCo cannot draw"
    return [check("MUJOCO_GL", "warning", found, "for videos: install libegl1")]


def main() -> None:
    """Print all checks. What the libraries print goes to standard error."""
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with answer:
        json.dump(torch_and_gpu() + simulator() + rendering(), answer)


if __name__ == "__main__":
    main()
