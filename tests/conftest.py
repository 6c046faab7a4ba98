"""What all tests share: whoever runs them has no settings, least of all a hook, but for those that a test writes, and
has looked at no run before."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ["XDG_CONFIG_HOME"] = "/nonexistent"
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="accel-state-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)


# Files whose tests take minutes together.
SLOWEST = ("test_room.py", "test_every_recipe.py", "test_maniskill.py", "test_resume.py", "test_folder_fuzz.py")


@pytest.fixture
def write_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Give this user settings of their own; gives the file."""

    def write(text: str) -> Path:
        file = tmp_path / "config" / "accel" / "settings.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.parent.chmod(0o700)
        file.write_text(text)
        file.chmod(0o600)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        return file

    return write


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that it does not go on alone when all else is over. Workers take whole files,
    which share what they have trained, but for those of learning, where each test trains for itself."""
    items.sort(key=begins_at)
    for item in items:
        if item.get_closest_marker("learning") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


def begins_at(item: pytest.Item) -> int:
    """The place of a test: learning, then files that take minutes, then the others."""
    if item.get_closest_marker("learning"):
        return 0
    return 1 + SLOWEST.index(item.path.name) if item.path.name in SLOWEST else 1 + len(SLOWEST)
