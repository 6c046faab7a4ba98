"""One engine a folder, one coordinator a sweep: a lock that the kernel gives back when its holder dies, however."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import RunError


@contextmanager
def engine_lock(folder: RunFolder, patience: float = 0.0) -> Iterator[None]:
    """Hold the folder's lock; RunError when another engine still holds it after `patience` seconds."""
    with hold(folder.lock, patience, f"Another engine runs in {folder.path}: attach to it, or stop it first."):
        yield


@contextmanager
def hold(lock: Path, patience: float, why: str) -> Iterator[None]:
    """Hold a lock; RunError, saying why, when another process still holds it after `patience` seconds."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        until = time.monotonic() + patience
        while not taken(descriptor):
            if time.monotonic() >= until:
                raise RunError(why)
            time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


def is_held(lock: Path) -> bool:
    """Whether another process holds a lock, on whichever host it is; so too where that cannot be found out."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:  # another user's
        return True
    try:
        return not taken(descriptor)
    finally:
        os.close(descriptor)


def taken(descriptor: int) -> bool:
    """Whether the lock could be had at once."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
