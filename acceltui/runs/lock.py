"""One engine a folder: a lock that the kernel gives back when its holder dies, however it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import RunError


@contextmanager
def engine_lock(folder: RunFolder) -> Iterator[None]:
    """Hold the folder's lock; RunError when another engine holds it."""
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(f"Another engine runs in {folder.path}: attach to it, or stop it first.") from None
        yield
    finally:
        os.close(descriptor)
