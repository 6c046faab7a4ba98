"""`accel validate` on every broken recipe: the report on stderr, exit code 2, no traceback."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from acceltui.cli import app

BROKEN = sorted(Path(__file__).with_name("broken").glob("*.yaml"))


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_validate_refuses_broken_recipes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    result = CliRunner().invoke(app, ["validate", "--static", path.name])
    assert result.exit_code == 2
    expected = [line[3:] for line in path.read_text().splitlines() if line.startswith("#! ")]
    assert [line.removeprefix(f"{path.name}:") for line in result.stderr.splitlines()] == expected
    assert isinstance(result.exception, SystemExit)
