"""Checkpoints hold the weights that acted, say what they hold, and come and go whole."""

import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from engine_recipes import plain_spaces, small
from safetensors.torch import load_file
from torch import nn

from acceltui.engine.checkpoint import Checkpoints, Moment
from acceltui.engine.networks.build import build_actor
from acceltui.engine.windows import Windows
from acceltui.recipe.schema import GPT, LSTMAccelerator
from acceltui.runs.checkpoints import newest_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import create_run_folder

SECTIONS = {
    "accelerator": LSTMAccelerator(kind="lstm", context=3, hidden=8),
    "transformer": GPT(context=3, layers=2, heads=2, width=8, feedforward=16),
}


def new_networks(seed: int = 0) -> dict[str, nn.Module]:
    torch.manual_seed(seed)
    spaces = plain_spaces(state=3, action=2)
    return {name: build_actor(section, small(), spaces).eval() for name, section in SECTIONS.items()}


def save(
    checkpoints: Checkpoints, step: int, stage: str, *whys: str, networks: dict[str, nn.Module] | None = None
) -> dict[str, Any]:
    """A checkpoint of weights alone."""
    return checkpoints.save(Moment(step, stage, networks or new_networks(), {}, {}), list(whys))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return create_run_folder(tmp_path, "small", 1, name="small")


@pytest.fixture
def checkpoints(folder: RunFolder) -> Checkpoints:
    return Checkpoints(folder, attempt=1, recipe=small(checkpoint={"every": 50, "keep": 2, "replay": "full"}))


def manifest(path: Path) -> dict[str, Any]:
    return json.loads((path / "manifest.json").read_bytes())


def reasons(folder: RunFolder) -> dict[int, list[str]]:
    """Why each checkpoint that a reader finds is there, by step."""
    found = [manifest(path) for path in sorted(folder.checkpoints.iterdir())]
    return {document["step"]: document["why"] for document in found}


def test_weights_read_back_give_the_same_actions(folder: RunFolder, checkpoints: Checkpoints) -> None:
    saved, windows = new_networks(), Windows(torch.randn(16, 3, 3))
    path = folder.checkpoints / save(checkpoints, 50, "accelerate", "periodic", networks=saved)["name"]
    for name, fresh in new_networks(seed=1).items():
        assert not torch.allclose(fresh(windows), saved[name](windows))
        fresh.load_state_dict(load_file(path / f"{name}.safetensors"))
        assert torch.equal(fresh(windows), saved[name](windows))


def test_the_manifest_says_what_lies_beside_it(folder: RunFolder, checkpoints: Checkpoints) -> None:
    told = save(checkpoints, 1_234, "online", "best")
    path = folder.checkpoints / told["name"]
    document = manifest(path)
    assert path.name == "0000001234-1"
    assert (document["step"], document["stage"], document["attempt"], document["why"]) == (1_234, "online", 1, ["best"])
    assert (told["step"], told["time"]) == (1_234, document["time"])
    assert {file.name for file in path.iterdir()} == {"manifest.json", *document["files"]}
    weights = {"accelerator.safetensors", "transformer.safetensors"}
    assert document["files"].keys() == weights | {"state.safetensors", "state.json", "recipe.yaml"}
    for name, said in document["files"].items():
        data = (path / name).read_bytes()
        assert said == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_the_last_periodic_ones_the_best_and_all_others_stay(folder: RunFolder, checkpoints: Checkpoints) -> None:
    saved = [(10, "best"), (20, "periodic"), (30, "periodic"), (40, "switch"), (50, "best"), (60, "periodic")]
    saved += [(70, "command"), (80, "command"), (90, "periodic"), (99, "end")]
    for step, why in saved:
        save(checkpoints, step, "accelerate", why)
    assert reasons(folder) == {
        40: ["switch"],
        50: ["best"],
        60: ["periodic"],
        70: ["command"],
        80: ["command"],
        90: ["periodic"],
        99: ["end"],
    }


def test_two_reasons_at_one_step_are_one_checkpoint(folder: RunFolder, checkpoints: Checkpoints) -> None:
    save(checkpoints, 10, "accelerate", "best", "periodic", "best")
    assert reasons(folder) == {10: ["best", "periodic"]}


def test_what_happens_later_at_the_same_step_is_another_checkpoint(folder: RunFolder, checkpoints: Checkpoints) -> None:
    first = save(checkpoints, 10, "accelerate", "periodic")["name"]
    second = save(checkpoints, 10, "accelerate", "switch")["name"]
    assert first != second
    newest, skipped = newest_whole(folder)
    assert newest is not None and newest.path.name == second and not skipped


def test_a_checkpoint_stays_while_it_has_a_reason(folder: RunFolder, checkpoints: Checkpoints) -> None:
    for step, *whys in ((10, "best", "switch"), (20, "best", "periodic"), (30, "periodic"), (40, "periodic")):
        save(checkpoints, step, "accelerate", *whys)
    assert reasons(folder).keys() == {10, 20, 30, 40}
    save(checkpoints, 50, "online", "best")
    assert reasons(folder).keys() == {10, 30, 40, 50}


def test_one_checkpoint_says_that_it_is_the_best(folder: RunFolder, checkpoints: Checkpoints) -> None:
    for step, *whys in ((10, "best", "periodic"), (20, "best")):
        save(checkpoints, step, "accelerate", *whys)
    assert reasons(folder) == {10: ["periodic"], 20: ["best"]}


def incomplete(path: Path) -> list[str]:
    """What the manifest of a checkpoint names and its folder does not hold in that size."""
    files = manifest(path)["files"]
    present = {file.name: file.stat().st_size for file in path.iterdir()}
    return [name for name, said in files.items() if present.get(name) != said["bytes"]]


def test_nothing_half_written_is_seen(folder: RunFolder, checkpoints: Checkpoints) -> None:
    """By a reader that looks all the while: what has a checkpoint's name is one, all that it names is there and whole,
    and nothing is told of as damaged."""
    over, looks, told = threading.Event(), [], []

    def look() -> None:
        while not over.is_set():
            looks.extend(incomplete(path) for path in folder.checkpoints.glob("[0-9]*"))
            told.extend(newest_whole(folder)[1])

    reader = threading.Thread(target=look)
    reader.start()
    for step in range(30):
        save(checkpoints, step, "accelerate", "command")
    over.set()
    reader.join()
    assert looks
    assert not any(looks) and not told


def test_nothing_half_removed_is_seen(
    folder: RunFolder, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the death of the engine in the middle of removing the best so far."""
    save(checkpoints, 1, "accelerate", "best")
    unlink = os.unlink

    def die_after(*arguments: Any, **options: Any) -> None:
        unlink(*arguments, **options)
        raise SystemExit

    with monkeypatch.context() as dying, pytest.raises(SystemExit):
        dying.setattr(os, "unlink", die_after)
        save(checkpoints, 2, "accelerate", "best")
    seen = sorted(folder.checkpoints.glob("[0-9]*"))
    assert seen[-1].name == "0000000002-1"
    assert not any(incomplete(path) for path in seen)


@pytest.mark.parametrize(
    "change",
    [
        {"step": 21},
        {"step": True},
        {"attempt": 0},
        {"stage": "offline"},
        {"time": float("nan")},
        {"why": "best"},
        {"leaving": {}},
        {"files": {"../a.json": {"bytes": 1, "sha256": ""}}},
        {"files": {"state.json": {"bytes": "1", "sha256": ""}}},
        {"replays": {"online": [{"file": "a", "first": [0], "last": ["1"], "bytes": 1, "sha256": ""}]}},
    ],
    ids=str,
)
def test_a_manifest_that_cannot_be_is_told_and_passed_over(
    folder: RunFolder, checkpoints: Checkpoints, change: dict[str, Any]
) -> None:
    for step in (10, 20):
        save(checkpoints, step, "accelerate", "command")
    newer = folder.checkpoints / "0000000020-1"
    (newer / "manifest.json").write_text(json.dumps(manifest(newer) | change))
    found, skipped = newest_whole(folder)
    assert found is not None and found.step == 10
    assert skipped == ["checkpoint 0000000020-1 is skipped: it has no manifest that can be read"]


def test_a_pipe_among_the_files_holds_nobody(folder: RunFolder, checkpoints: Checkpoints) -> None:
    path = folder.checkpoints / save(checkpoints, 10, "accelerate", "command")["name"]
    (path / "state.json").unlink()
    os.mkfifo(path / "state.json")
    document = manifest(path)
    document["files"]["state.json"]["bytes"] = 0  # a pipe's size
    (path / "manifest.json").write_text(json.dumps(document))
    found, skipped = newest_whole(folder)
    assert found is None and skipped == ["checkpoint 0000000010-1 is skipped: state.json is no regular file"]


def test_nothing_in_a_checkpoint_is_a_pickle(folder: RunFolder, checkpoints: Checkpoints) -> None:
    save(checkpoints, 10, "accelerate", "best")
    files = [file for file in folder.checkpoints.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} == {".safetensors", ".json", ".yaml"}
    for file in files:
        data = file.read_bytes()
        assert data[:1] != b"\x80"  # a pickle
        assert data[:2] != b"PK"  # torch.save


@pytest.mark.timeout(30)
def test_pipes_and_links_in_the_place_of_folders_hold_nobody_up(folder: RunFolder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    os.mkfifo(folder.checkpoints / "0000000010-1")
    os.mkfifo(folder.checkpoints / ".0000000020-1.part")
    (folder.checkpoints / ".0000000030-1.part").symlink_to(elsewhere)
    (folder.checkpoints / "notes").mkdir()
    checkpoints = Checkpoints(folder, attempt=1, recipe=small())
    save(checkpoints, 20, "accelerate", "periodic")
    # What has a checkpoint's name and is none is told of, and left to whoever put it there.
    assert {path.name for path in folder.checkpoints.iterdir()} == {"0000000010-1", "0000000020-1", "notes"}
    found, skipped = newest_whole(folder)
    assert found is not None and found.step == 20
    assert skipped == ["checkpoint 0000000010-1 is skipped: it has no manifest that can be read"]
    assert (elsewhere / "kept").exists()
