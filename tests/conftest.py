"""What all tests share: whoever runs them has no settings, least of all a hook, but for those that a test writes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ["XDG_CONFIG_HOME"] = "/nonexistent"


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
