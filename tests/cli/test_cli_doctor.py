"""doctor: what this machine has, asked of the real engine, and what to do where something is not there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acceltui.cli import app
from acceltui.launch import doctor

WHOLE = doctor.Check("torch", "ok", "2.13.0", needed=True)
NO_VULKAN = doctor.Check("Vulkan", "missing", "there is no Vulkan device here", "`make system-packages`")
NO_TORCH = doctor.Check("torch", "missing", "torch cannot be imported", "install it again", needed=True)


def accel_doctor(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    hidden = ("ACCEL_RUNS", "MUJOCO_GL", "DISPLAY", "WAYLAND_DISPLAY")
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    return subprocess.run(
        [sys.executable, "-m", "acceltui", "doctor", *words],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def engine_says(monkeypatch: pytest.MonkeyPatch) -> object:
    """Let the engine's part of the answer be what the test gives."""
    return lambda *checks: monkeypatch.setattr(doctor, "engine", lambda: list(checks))


def test_each_check_is_a_line_for_people(tmp_path: Path) -> None:
    done = accel_doctor(tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    names = ["Python", "packages", "torch", "GPU", "ManiSkill", "Vulkan", "MUJOCO_GL", "machine", "runs", "terminal"]
    assert [name for _, name, _ in lines if name in names] == names
    assert {state for state, _, _ in lines} <= {"ok", "warning", "missing"}
    assert not any(tmp_path.iterdir())


def test_without_a_vulkan_driver_scripts_read_what_to_do(tmp_path: Path) -> None:
    done = accel_doctor(tmp_path, "--json", VK_DRIVER_FILES="/nowhere.json", VK_ICD_FILENAMES="/nowhere.json")
    assert done.returncode == 0, done.stderr
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert checks["torch"]["state"] == "ok" and checks["torch"]["needed"]
    if checks["ManiSkill"]["state"] == "missing":
        pytest.skip("mani_skill is not installed")
    assert checks["Vulkan"]["state"] == "missing" and not checks["Vulkan"]["needed"]
    assert "make system-packages" in checks["Vulkan"]["remedy"]


@pytest.mark.parametrize(("found", "code"), [(NO_VULKAN, 0), (NO_TORCH, 2)])
def test_only_what_every_run_needs_fails_the_command(
    found: doctor.Check, code: int, engine_says: object, tmp_path: Path
) -> None:
    engine_says(WHOLE, found)  # type: ignore[operator]
    result = CliRunner().invoke(app, ["doctor", "--runs-dir", str(tmp_path)])
    assert result.exit_code == code
    assert f"{found.found}; {found.remedy}" in result.output


def test_an_engine_that_cannot_start_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "engine_environment", lambda allowed: {"PYTHONHOME": "/nowhere"})
    (check,) = doctor.engine()
    assert check.state == "missing" and check.needed
    assert "\n" not in check.found and "acceltui.engine.doctor" in check.remedy


def test_a_runs_folder_under_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = doctor.runs_folder(tmp_path / "file" / "runs")
    assert check.state == "missing" and "ACCEL_RUNS" in check.remedy
    assert doctor.runs_folder(tmp_path / "new" / "runs").state != "missing"


def test_little_room_for_runs_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LITTLE_DISK", 1 << 62)
    assert doctor.runs_folder(tmp_path).state == "warning"


def test_logging_out_of_a_machine_that_ends_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"busctl": "b true", "loginctl": "no"}
    monkeypatch.setattr(doctor, "answer", lambda tool, *words: answers[tool])
    monkeypatch.setattr(doctor, "has_systemd", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "loginctl enable-linger" in doctor.logout().remedy
    answers["loginctl"] = "yes"
    assert doctor.logout().remedy.startswith("start runs with `systemd-run --user --scope")
    answers["busctl"] = "b false"
    assert doctor.logout().state == "ok"
