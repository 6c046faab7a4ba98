"""What a real run leaves on the disk, for whom; and that resuming one which someone tampered with harms nobody."""

import json
import os
import pickle
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from acceltui.runs.checkpoints import find_checkpoints
from acceltui.runs.files import seal
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlWriter
from acceltui.runs.status import read_status
from tests.e2e.conftest import Runs

SHORT = (
    "engine.threads=1",
    "algorithm.random_steps=100",
    "algorithm.batch_size=32",
    "accelerator.steps=300",
    "online.steps=200",
    "online.clone_fade=100",
    "online.critic_warmup=0",
    "switch=null",
    "evaluation.every=250",
    "evaluation.episodes=1",
    "evaluation.num_envs=1",
    "checkpoint.every=100",
    "log.every=100",
    "log.tensorboard=true",
)
EVIL = "import pathlib; pathlib.Path({!r}).touch()\n"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that ended on request, with checkpoints, a replay and TensorBoard files."""
    here = Runs(tmp_path_factory.mktemp("ended"))
    before = os.umask(0o002)  # as generous as a user's may be
    try:
        done = here.call("run", "pendulum_quick", *SHORT, "--name", "run", "--runs-dir", "runs", seconds=180)
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stderr
    return here.newest()


@pytest.fixture
def run(runs: Runs, ended: RunFolder) -> Iterator[RunFolder]:
    """A copy of that run, half of it undone, so that there is something to resume."""
    folder = RunFolder(shutil.copytree(ended.path, runs.folder / "runs" / "run"))
    for found in find_checkpoints(folder):
        if found.step > 400:
            shutil.rmtree(found.path)
    status = json.loads(folder.status.read_text())
    folder.status.write_text(json.dumps(status | {"state": "STOPPED", "step": 400}))
    yield folder


def modes(folder: RunFolder) -> dict[str, set[int]]:
    """Permissions in a run's whole tree."""
    found: dict[str, set[int]] = {"folders": {stat.S_IMODE(folder.path.stat().st_mode)}, "files": set()}
    for path in folder.path.rglob("*"):
        if path != folder.lock:
            found["folders" if path.is_dir() else "files"].add(stat.S_IMODE(path.lstat().st_mode))
    return found


def test_nobody_else_may_look_into_a_run(ended: RunFolder) -> None:
    names = {path.suffix or path.name for path in ended.path.rglob("*") if path.is_file()}
    assert {".safetensors", ".json", ".jsonl", ".yaml", ".log", "lock"} <= names
    assert list(ended.tensorboard.iterdir()) and list((ended.path / "replay").iterdir())
    assert modes(ended) == {"folders": {0o700}, "files": {0o600}}
    assert stat.S_IMODE(ended.lock.stat().st_mode) == 0o600


def test_a_shared_run_may_be_watched_by_its_group_and_a_fork_of_it_by_nobody(runs: Runs) -> None:
    before = os.umask(0o000)
    try:
        assert runs.call("run", "pendulum_quick", *SHORT, "--share", seconds=180).returncode == 0
        shared = runs.newest()
        assert runs.call("fork", shared.name, "--at", "switch", seconds=180).returncode == 0
    finally:
        os.umask(before)
    assert modes(shared) == {"folders": {0o750}, "files": {0o640}}
    assert modes(runs.newest()) == {"folders": {0o700}, "files": {0o600}}


@pytest.mark.parametrize(
    "part", ["metrics.jsonl", "events.jsonl", "engine.log", "commands", "acks", "checkpoints", "replay", "tensorboard"]
)
def test_nothing_is_written_through_a_link(runs: Runs, run: RunFolder, part: str) -> None:
    outside = runs.folder / "outside"
    (run.path / part).rename(outside)
    (run.path / part).symlink_to(outside)
    before = contents(outside)
    done = runs.call("resume", "run", seconds=120)
    assert done.returncode == 2
    assert part in done.stderr and "link" in done.stderr and "Traceback" not in done.stderr
    assert contents(outside) == before


def test_a_checkpoint_that_lies_elsewhere_is_not_touched(runs: Runs, run: RunFolder) -> None:
    found = find_checkpoints(run)[0]
    outside = found.path.rename(runs.folder / "outside")
    found.path.symlink_to(outside)
    before = contents(outside)
    done = runs.call("resume", "run", seconds=120)
    assert done.returncode == 2 and "is a link" in done.stderr
    assert contents(outside) == before


def contents(path: Path) -> dict[str, bytes]:
    """All files at or below a path."""
    return {str(file): file.read_bytes() for file in (path, *path.rglob("*")) if file.is_file()}


@pytest.mark.parametrize("command", ["resume", "fork"])
def test_a_recipe_in_a_run_folder_imports_nothing(runs: Runs, run: RunFolder, command: str) -> None:
    marker = runs.folder / "imported"
    for folder in (runs.folder, run.path):
        (folder / "evilmodule.py").write_text(EVIL.format(str(marker)))
    recipe = run.resolved.read_text()
    assert "id: Pendulum-v1" in recipe
    run.resolved.write_text(recipe.replace("id: Pendulum-v1", "id: evilmodule:Env-v0"))
    for found in find_checkpoints(run):  # else the change alone is refused
        shutil.copyfile(run.resolved, found.path / "recipe.yaml")
        found.manifest["files"]["recipe.yaml"] = seal(found.path / "recipe.yaml")
        (found.path / "manifest.json").write_text(json.dumps(found.manifest))
    done = runs.call(command, "run", seconds=120)
    assert done.returncode == 2
    assert "--allow-import evilmodule" in done.stderr and "Traceback" not in done.stderr
    assert not marker.exists()


def test_a_module_in_a_run_folder_takes_no_library_s_place(
    runs: Runs, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty or relative entry of PYTHONPATH is the caller's folder, not the one the engine works in."""
    marker = runs.folder / "imported"
    for name in ("torch", "gymnasium", "numpy", "sitecustomize"):
        (run.path / f"{name}.py").write_text(EVIL.format(str(marker)))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), "", "."]))
    done = runs.call("resume", "run", seconds=180)
    assert done.returncode == 0, done.stderr
    assert not marker.exists()


@pytest.mark.parametrize("command", ["resume", "fork"])
def test_a_resolved_recipe_with_tags_is_refused(runs: Runs, run: RunFolder, command: str) -> None:
    marker = runs.folder / "touched"
    tagged = f"name: !!python/object/apply:os.system ['touch {marker}']"
    run.resolved.write_text(run.resolved.read_text().replace("name: pendulum_quick", tagged))
    done = runs.call(command, "run", seconds=120)
    assert done.returncode == 2
    assert "resolved.yaml" in done.stderr and "Traceback" not in done.stderr
    assert not marker.exists()


class Evil:
    """Touches a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.marker,)  # type: ignore[return-value]


def test_a_pickle_in_the_place_of_weights_is_not_opened(runs: Runs, run: RunFolder) -> None:
    """Not even where the manifest vouches for it."""
    marker = runs.folder / "unpickled"
    for found in find_checkpoints(run):
        for name in found.manifest["files"]:
            if name.endswith(".safetensors"):
                (found.path / name).write_bytes(pickle.dumps(Evil(marker)))
                found.manifest["files"][name] = seal(found.path / name)
        (found.path / "manifest.json").write_text(json.dumps(found.manifest))
    done = runs.call("resume", "run", seconds=120)
    assert done.returncode in (1, 2)
    assert not marker.exists()
    status = read_status(run)
    assert status is not None and status.state == "FAILED"


def test_a_checkpoint_of_another_file_is_skipped(runs: Runs, run: RunFolder) -> None:
    for found in find_checkpoints(run):
        file = found.path / "critic.safetensors"
        file.unlink()
        file.symlink_to("/etc/hostname")
    done = runs.call("resume", "run", seconds=120)
    assert done.returncode == 2
    assert "no checkpoint to go on from" in done.stderr


def test_a_history_of_any_length_is_resumed_and_forked(runs: Runs, run: RunFolder) -> None:
    """Numbers go on from the file's end; rows that a rewind took back do not reach a fork."""
    writer = JsonlWriter(run.metrics)
    for seq in range(1000, 9000):
        writer.append({"seq": seq, "attempt": 1, "step": 150, "stage": "accelerate", "x": seq / 3})
    writer.append({"seq": 9000, "attempt": 1, "step": 190, "stage": "accelerate", "taken back": 1.0})
    writer.append({"rewind_to": 180, "attempt": 2})
    writer.append({"seq": 9001, "attempt": 2, "step": 190, "stage": "accelerate", "stays": 1.0})
    assert runs.call("resume", "run", seconds=180).returncode == 0
    rows = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    [rewind] = [at for at, row in enumerate(rows) if row.get("rewind_to") == 400]
    assert rows[rewind]["attempt"] == 3
    assert rows[rewind + 1]["seq"] == 9002
    newest = max(found.manifest["attempt"] for found in find_checkpoints(run))
    assert newest == 3
    assert runs.call("fork", "run", "--detach", "--name", "twin", seconds=120).returncode == 0
    twin = (runs.folder / "runs" / "twin" / "metrics.jsonl").read_text()
    assert twin.count('"x":') == 8000
    assert "taken back" not in twin and "stays" in twin and '"rewind_to":400' not in twin
