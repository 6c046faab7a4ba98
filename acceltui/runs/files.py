"""How single files of a run folder are written and read: whole, with its permissions, never through a link."""

import contextlib
import errno
import hashlib
import math
import os
import stat
from pathlib import Path
from typing import Any

READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Non-blocking, so that a pipe put in a file's place cannot hold a reader."""


def make_private_folder(path: Path, *, share: bool = False) -> None:
    """Make one folder with mode 0700, or 0750 when colleagues may watch; FileExistsError when it is there."""
    path.mkdir()
    path.chmod(0o750 if share else 0o700)


def is_ours(folder: Path) -> bool:
    """Whether it is a folder of this user, and no link to one."""
    return folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.geteuid()


def file_mode(folder: Path) -> int:
    """Mode of files in `folder`: 0640 where its group may look in, else 0600."""
    return 0o640 if folder.stat().st_mode & stat.S_IRGRP else 0o600


def creation_mask(folder: Path) -> int:
    """The umask under which whatever a process creates, by whatever library, has the permissions of `folder`."""
    return 0o777 & ~(0o750 if folder.stat().st_mode & stat.S_IRGRP else 0o700)


def write_whole(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Write a temporary file beside `path` and rename it there: a reader sees the old bytes or the new ones; with
    `sync` also after the power was cut."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    mode = file_mode(path.parent)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class Appender:
    """A file that whole records are appended to by one writer: what the disk took in part is cut off again."""

    def __init__(self, path: Path) -> None:
        mode = file_mode(path.parent)
        self.descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        os.fchmod(self.descriptor, mode)
        self._torn_from: int | None = None
        """Where a record begins that was written in part and could not be cut off, as on a disk that failed."""

    def append(self, record: bytes) -> None:
        """Append all of a record; OSError (disk full) leaves none of it to be seen."""
        if self._torn_from is not None:
            os.ftruncate(self.descriptor, self._torn_from)
        self._torn_from = os.fstat(self.descriptor).st_size
        rest = memoryview(record)
        try:
            while rest:
                rest = rest[os.write(self.descriptor, rest) :]
        except OSError:
            os.ftruncate(self.descriptor, self._torn_from)
            self._torn_from = None
            raise
        self._torn_from = None

    def close(self) -> None:
        """Close the file."""
        os.close(self.descriptor)


def open_to_append(path: Path) -> int:
    """A descriptor for what a process prints into `path`, which is made where it is not there."""
    mode = file_mode(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    os.fchmod(descriptor, mode)
    return descriptor


def open_regular(path: Path) -> int:
    """A descriptor for reading a regular file; OSError where there is none, a folder or a pipe among others."""
    descriptor = os.open(path, READ_FLAGS)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def seal(file: Path) -> dict[str, Any]:
    """Make sure that a file is on the disk; gives its size and hash."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return {"bytes": file.stat().st_size, "sha256": digest}


def read_regular(path: Path, limit: int) -> tuple[bytes, os.stat_result]:
    """Bytes and stat of a regular file of at most `limit` bytes.

    Raises ValueError, its text a clause, for a link, a pipe, a folder or too many bytes; OSError otherwise.
    """
    if path.is_symlink():
        raise ValueError("it is a link, not a file")
    descriptor = os.open(path, READ_FLAGS)
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, descriptor)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a regular file")
        data = read_up_to(descriptor, limit + 1)
        if len(data) > limit:
            raise ValueError(f"it is larger than {limit} bytes")
        return data, status


def read_up_to(descriptor: int, count: int) -> bytes:
    """At most `count` bytes from where `descriptor` stands, fewer only at the file's end."""
    parts = []
    while count > 0 and (part := os.read(descriptor, min(count, 1 << 20))):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def folder_clock(folder: Path) -> float:
    """Seconds by the clock that stamps files in `folder` (a file server's may differ from this host's)."""
    probe = folder / f".clock.{os.getpid()}-{os.urandom(4).hex()}"
    descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        # A byte is written because some file servers stamp a file at its first write.
        os.write(descriptor, b"0")
        os.fsync(descriptor)
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)


def finite(value: Any) -> Any:
    """`value` with every float that JSON cannot say (nan, inf) replaced by None, at any depth."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {str(key): finite(item) for key, item in value.items()}
        case list() | tuple():
            return [finite(item) for item in value]
    return value
