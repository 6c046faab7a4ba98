"""A small file system of a test's own, which is full when the test says so.

It is mounted in a mount namespace, so nothing of it is left whatever becomes of the test. Root may make one, and on
many machines everybody.
"""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class Disk:
    """Processes see it at `path`, if they are called `inside`; the test itself at `seen`."""

    def __init__(self, path: Path, holder: int, user: bool) -> None:
        self.path = path
        self.seen = Path(f"/proc/{holder}/root{path}")
        self._enter = ["nsenter", "-t", str(holder), "-m", *(["-U", "--preserve-credentials"] if user else [])]

    def inside(self, *command: str) -> list[str]:
        """A command that finds the disk at `path`."""
        return [*self._enter, *command]

    def fill(self, log: Path) -> Path:
        """Leave no byte, nor any at the end of that file; gives the one to remove."""
        filler = self.seen / "filler"
        for path, part in ((filler, bytes(4096)), (log, b" ")):
            with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(part)
        return filler

    def take_inodes(self, left: int) -> Path:
        """Leave room for so many files, whatever room there is for bytes; gives the folder to remove."""
        folder = self.seen / "inodes"
        folder.mkdir()
        taken = []
        try:
            while True:
                (folder / str(len(taken))).touch()
                taken.append(folder / str(len(taken)))
        except OSError as error:
            assert error.errno == errno.ENOSPC
        for path in taken[:left]:
            path.unlink()
        return folder


@contextlib.contextmanager
def small_disk(path: Path, mount: str) -> Iterator[Disk]:
    """Mount at `path` what the words of `mount` say, before the path."""
    path.mkdir()
    refused = ""
    for flags in ("-m", "-Urm") if os.geteuid() == 0 else ("-Urm",):
        script = f"mount {mount} {path} && echo mounted && exec sleep 600"
        command = ["unshare", flags, "sh", "-c", script]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as holder:
            assert holder.stdout is not None and holder.stderr is not None
            try:
                if holder.stdout.readline() == "mounted\n":
                    yield Disk(path, holder.pid, user=flags == "-Urm")
                    return
                refused = holder.stderr.read()
            finally:
                holder.kill()
    pytest.skip(f"nobody may mount here: {refused}")
