"""A run folder to work on."""

from pathlib import Path

import pytest

from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import create_run_folder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return create_run_folder(tmp_path, "cheetah", 1, name="cheetah")
