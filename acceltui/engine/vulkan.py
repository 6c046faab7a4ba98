"""Which Vulkan devices ManiSkill's simulator can use, found out in a process of its own.

A broken driver takes down the process that loads it, so the engine asks a child: this file, run as a script.
"""

import ctypes
import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass

OLDEST_MESA = (24, 3)
"""Older versions of lavapipe, Mesa's driver for the processor, lack what the simulator asks for."""
SECONDS = 60
DRIVER_PROPERTIES, PROPERTIES_2 = 1000196000, 1000059001
"""Structure types of Vulkan 1.2: VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_(DRIVER_PROPERTIES, PROPERTIES_2)."""


@dataclass(frozen=True)
class VulkanDevice:
    """A device as its driver describes it."""

    name: str
    driver: str
    """Such as `Mesa 25.0.7 (LLVM 15.0.6)`."""
    on_processor: bool

    @property
    def too_old(self) -> bool:
        """Whether it is a lavapipe that the simulator cannot use."""
        version = re.search(r"Mesa (\d+)\.(\d+)", self.driver)
        return self.on_processor and version is not None and (int(version[1]), int(version[2])) < OLDEST_MESA


def find_devices() -> list[VulkanDevice]:
    """The devices here; none where there is no driver, or one that crashes. Needs sapien."""
    try:
        found = subprocess.run([sys.executable, "-P", __file__], capture_output=True, timeout=SECONDS, check=True)
        # Drivers print as well; the answer is the last line.
        return [VulkanDevice(**device) for device in json.loads(found.stdout.splitlines()[-1])]
    except (subprocess.SubprocessError, ValueError, IndexError):
        return []


def problem(devices: list[VulkanDevice]) -> str:
    """What keeps the simulator from running with these devices, as a clause; empty if nothing does."""
    if not devices:
        return "there is no Vulkan device here"
    if all(device.too_old for device in devices):
        oldest = ".".join(map(str, OLDEST_MESA))
        return f"its Vulkan device here is {devices[0].driver}, and lavapipe must be of Mesa {oldest} or newer"
    return ""


class _Application(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("version", ctypes.c_uint32),
        ("engine", ctypes.c_char_p),
        ("engine_version", ctypes.c_uint32),
        ("api", ctypes.c_uint32),
    )


class _Instance(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("application", ctypes.POINTER(_Application)),
        ("layers", ctypes.c_uint32),
        ("layer_names", ctypes.c_void_p),
        ("extensions", ctypes.c_uint32),
        ("extension_names", ctypes.c_void_p),
    )


class _Driver(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("id", ctypes.c_int),
        ("name", ctypes.c_char * 256),
        ("info", ctypes.c_char * 256),
        ("conformance", ctypes.c_uint8 * 4),
    )


class _Properties(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("api", ctypes.c_uint32),
        ("driver", ctypes.c_uint32),
        ("vendor", ctypes.c_uint32),
        ("device", ctypes.c_uint32),
        ("kind", ctypes.c_int),
        ("name", ctypes.c_char * 256),
        ("limits", ctypes.c_uint8 * 2048),  # more than the structure has, so that no field is written beyond its end
    )


def list_devices() -> list[VulkanDevice]:
    """Ask the Vulkan loader that the simulator would use. May crash with the driver."""
    import sapien  # noqa: F401 (finds a loader and a driver where the system names none)

    vulkan = ctypes.CDLL(os.environ.get("SAPIEN_VULKAN_LIBRARY_PATH", "libvulkan.so.1"))
    application = _Application(0, None, b"accel", 0, None, 0, 1 << 22 | 2 << 12)
    wanted, instance = _Instance(1, None, 0, ctypes.pointer(application)), ctypes.c_void_p()
    count = ctypes.c_uint32()
    if vulkan.vkCreateInstance(ctypes.byref(wanted), None, ctypes.byref(instance)) != 0:
        return []
    if vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None) != 0:
        return []
    handles = (ctypes.c_void_p * count.value)()
    vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), handles)
    return [describe(vulkan, handle) for handle in handles[: count.value]]


def describe(vulkan: ctypes.CDLL, handle: int | None) -> VulkanDevice:
    """A device's properties (VkPhysicalDeviceProperties2); of type 4 are those that compute on the processor."""
    driver = _Driver(type=DRIVER_PROPERTIES)
    properties = _Properties(type=PROPERTIES_2, next=ctypes.addressof(driver))
    vulkan.vkGetPhysicalDeviceProperties2(ctypes.c_void_p(handle), ctypes.byref(properties))
    return VulkanDevice(properties.name.decode(), driver.info.decode() or driver.name.decode(), properties.kind == 4)


if __name__ == "__main__":
    print(json.dumps([asdict(device) for device in list_devices()]))
