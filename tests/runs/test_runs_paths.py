"""Making, naming and finding run folders."""

import errno
import os
import re
import stat
from pathlib import Path
from unittest.mock import Mock

import pytest

from acceltui.runs import paths
from acceltui.runs.events import EventWriter
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import RunError, create_run_folder, find_run, list_runs, runs_root
from acceltui.runs.status import Status, read_status, write_status


def make(root: Path, name: str, made: float = 0) -> RunFolder:
    folder = create_run_folder(root, "recipe", 1, name=name)
    os.utime(folder.lock, (made, made))
    return folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_name_tells_recipe_seed_and_time(tmp_path: Path) -> None:
    folder = create_run_folder(tmp_path / "new" / "root", "half_cheetah", 7)
    assert re.fullmatch(r"half_cheetah-s7-\d{8}-\d{6}-[0-9a-f]{4}", folder.name)
    assert create_run_folder(tmp_path, "half_cheetah", 7).name != folder.name


@pytest.mark.parametrize("umask", [0o000, 0o077])
@pytest.mark.parametrize(("share", "folder_mode", "file_mode"), [(False, 0o700, 0o600), (True, 0o750, 0o640)])
def test_others_may_look_where_the_run_is_shared_and_only_there(
    tmp_path: Path, share: bool, folder_mode: int, file_mode: int, umask: int
) -> None:
    before = os.umask(umask)
    try:
        folder = create_run_folder(tmp_path, "recipe", 1, share=share)
        write_status(folder, Status(state="RUNNING"))
        EventWriter(folder.events).append("start", "begun", step=0)
    finally:
        os.umask(before)
    assert {mode(path) for path in (folder.path, folder.commands, folder.acks, folder.checkpoints)} == {folder_mode}
    assert {mode(path) for path in (folder.status, folder.events)} == {file_mode}


def test_a_new_run_is_starting(tmp_path: Path) -> None:
    status = read_status(create_run_folder(tmp_path, "recipe", 1, name="a"))
    assert status is not None
    assert (status.state, status.pid, status.run) == ("STARTING", None, "a")


def test_a_name_is_given_once(tmp_path: Path) -> None:
    make(tmp_path, "a")
    with pytest.raises(RunError, match="exists already"):
        make(tmp_path, "a")


@pytest.mark.parametrize("name", ["../out", "a/b", ".hidden", "with space", "-option", "x" * 129, "new\nline"])
def test_a_name_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="cannot name a run"):
        make(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("root", ["file", "file/runs"])
def test_a_root_that_cannot_be_made_is_a_sentence(tmp_path: Path, root: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be made"):
        make(tmp_path / root, "a")


def test_the_option_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ACCEL_RUNS", raising=False)
    assert runs_root(None) == tmp_path / "runs"
    monkeypatch.setenv("ACCEL_RUNS", "/somewhere")
    assert runs_root(None) == Path("/somewhere")
    assert runs_root(Path("here")) == tmp_path / "here"


def test_runs_are_listed_newest_first_and_alone(tmp_path: Path) -> None:
    make(tmp_path, "b", made=200)
    make(tmp_path, "a", made=100)
    make(tmp_path, "c", made=300)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "empty").mkdir()
    make(tmp_path, "evil").path.rename(tmp_path / "\x1b[2Jevil")
    assert [run.name for run in list_runs(tmp_path)] == ["c", "b", "a"]
    assert list_runs(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cheetah-1", "cheetah-1"),
        ("cheetah-12", "cheetah-12"),
        ("ant", "ant-1"),
        (None, "ant-1"),
        ("cheetah-2", "cheetah-2"),
    ],
)
def test_a_run_is_found_by_name_prefix_or_age(tmp_path: Path, text: str | None, found: str) -> None:
    for made, name in enumerate(["cheetah-1", "cheetah-12", "cheetah-2", "ant-1"]):
        make(tmp_path, name, made)
    assert find_run(text, tmp_path).name == found


def test_a_run_is_found_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = make(tmp_path / "there", "a")
    assert find_run(str(there.path), tmp_path / "elsewhere") == there
    monkeypatch.chdir(there.path)
    assert find_run(".", tmp_path / "elsewhere") == there


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cheetah", "begins the names of 2 runs.*cheetah-"),
        ("cheatah-1", "Nearest: cheetah-1"),
        ("", "No run"),
        ("a\0b", "No run"),
    ],
)
def test_what_is_not_found_is_explained(tmp_path: Path, text: str, says: str) -> None:
    make(tmp_path, "cheetah-1")
    make(tmp_path, "cheetah-2")
    with pytest.raises(RunError, match=says):
        find_run(text, tmp_path)


def test_no_run_at_all_is_explained(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="accel run RECIPE"):
        find_run(None, tmp_path)


def test_a_folder_keeps_its_place_when_the_working_directory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = RunFolder(Path("a"))
    monkeypatch.chdir("/")
    assert folder.status == tmp_path / "a" / "status.json"


def test_a_disk_that_is_full_keeps_nothing_of_a_new_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(paths, "write_status", Mock(side_effect=full))
    with pytest.raises(RunError, match=r"cannot be made: No space left on device\."):
        create_run_folder(tmp_path, "cheetah", 1)
    assert list(tmp_path.iterdir()) == []
