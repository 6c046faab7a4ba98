"""One engine a folder."""

import subprocess
import sys

import pytest

from acceltui.runs.folder import RunFolder
from acceltui.runs.lock import engine_lock
from acceltui.runs.paths import RunError

HOLDER = """
import sys, time
from pathlib import Path
from acceltui.runs.lock import engine_lock
from acceltui.runs.folder import RunFolder
with engine_lock(RunFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_held_by_one_process_until_it_dies(folder: RunFolder) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(folder.path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match="Another engine runs in"), engine_lock(folder):
            pass
        holder.kill()
    with engine_lock(folder):
        pass


def test_a_lock_is_given_back(folder: RunFolder) -> None:
    with engine_lock(folder):
        pass
    with engine_lock(folder):
        pass
