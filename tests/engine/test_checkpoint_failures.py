"""Saves that fail harm nothing, and what is no number is never saved."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import Mock

import pytest
import torch
from engine_recipes import small
from resuming import end_of, recipe_of, run, start
from safetensors import SafetensorError
from test_resume import cut_back

import acceltui.engine.checkpoint as checkpoint
import acceltui.engine.state as state
from acceltui.engine.endings import Diverged, Unsaved
from acceltui.engine.train import train
from acceltui.runs.checkpoints import find_checkpoints, newest_whole
from acceltui.runs.commands import CommandInbox, read_ack, send_command
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.paths import create_run_folder


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def warnings(folder: RunFolder) -> list[str]:
    return [event["message"] for event in JsonlReader(folder.events).poll() if event["kind"] == "warning"]


def new(tmp_path: Path) -> RunFolder:
    return create_run_folder(tmp_path, "small", 1, name="run")


@pytest.mark.parametrize("fails", ["before", "weights", "replay"])
def test_a_full_disk_costs_one_checkpoint_and_is_said(
    fails: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full from the fourth save to the sixth: told beforehand, or in the middle of a file."""
    folder, recipe, saves = new(tmp_path), recipe_of({}), [0]
    save_file, whole = state.save_file, checkpoint.Checkpoints.save

    def counted(self: checkpoint.Checkpoints, *arguments: Any) -> Any:
        saves[0] += 1
        return whole(self, *arguments)

    def full() -> bool:
        return 4 <= saves[0] <= 6

    def writes(tensors: Any, path: Path) -> None:
        if full() and fails == ("replay" if path.parent.name == "replay" else "weights"):
            path.write_bytes(b"half")
            raise SafetensorError(f"I/O error: {os.strerror(errno.ENOSPC)} (os error 28)")  # as the library says it
        save_file(tensors, path)

    monkeypatch.setattr(checkpoint.Checkpoints, "save", counted)
    monkeypatch.setattr(state, "save_file", writes)
    if fails == "before":
        usage = shutil.disk_usage(tmp_path)
        told = lambda path: Usage(usage.total, usage.used, 0 if full() else usage.free)  # noqa: E731
        monkeypatch.setattr(checkpoint.shutil, "disk_usage", told)
    assert run(folder, recipe) == "FINISHED"
    said = warnings(folder)
    assert len(said) == 3
    assert said[0].startswith("no checkpoint at step 80: ") and said[0].endswith("; the last is of step 60")
    assert "No space left on device" in said[0]
    found = find_checkpoints(folder)
    assert [one.step for one in found] == [20, 40, 60, 140, 160, 180, 200]
    assert not any(one.damage() for one in found)
    assert not list(folder.checkpoints.glob(".*"))

    monkeypatch.undo()
    undisturbed = create_run_folder(tmp_path, "small", 1, name="undisturbed")
    assert run(undisturbed, recipe) == "FINISHED"
    assert end_of(folder)["files"] == end_of(undisturbed)["files"]


def test_a_run_whose_end_cannot_be_saved_is_not_finished_and_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, recipe = new(tmp_path), recipe_of({})
    usage = shutil.disk_usage(tmp_path)
    free = lambda path: Usage(usage.total, usage.used, 0 if running.step > 150 else usage.free)  # noqa: E731
    with monkeypatch.context() as full:
        running = start(folder, recipe)
        full.setattr(checkpoint.shutil, "disk_usage", free)
        with pytest.raises(Unsaved, match="No space left on device; the last checkpoint is 0000000140-1"):
            train(running)
    running.record.close()
    assert not [event for event in JsonlReader(folder.events).poll() if event["kind"] == "finish"]
    assert run(cut_back(folder, tmp_path / "resumed", 140), recipe, attempt=2) == "FINISHED"


def test_a_checkpoint_that_was_asked_for_and_cannot_be_saved_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new(tmp_path)
    running = start(folder, recipe_of({}))
    monkeypatch.setattr(running.checkpoints, "save", Mock(side_effect=OSError(errno.EROFS, "Read-only file system")))
    id = send_command(folder, "checkpoint", by="me@here")
    (command,) = CommandInbox(folder).poll()
    running.carry_out(command, running.parts.begin())
    ack = read_ack(folder, id)
    assert ack is not None and (ack.state, ack.reason) == ("refused", "Read-only file system")


def test_a_disk_too_full_to_tidy_up_costs_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old checkpoint that has another reason to stay is written anew without the one that went."""
    folder, write, refused = new(tmp_path), checkpoint.write_manifest, []

    def full(path: Path, manifest: dict[str, Any]) -> None:
        if not path.name.endswith(".part") and len(refused) < 2:
            refused.append(path)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, manifest)

    monkeypatch.setattr(checkpoint, "write_manifest", full)
    assert run(folder, recipe_of({"checkpoint": {"every": 20, "keep": 2}})) == "FINISHED"
    assert len(refused) == 2
    assert not warnings(folder)
    found = find_checkpoints(folder)
    assert sum("periodic" in one.manifest["why"] for one in found) == 2
    assert not any(one.damage() for one in found)


@pytest.mark.parametrize("network", ["accelerator", "critic", "transformer"])
def test_a_parameter_that_is_no_number_ends_the_run_before_it_is_saved(network: str, tmp_path: Path) -> None:
    folder, recipe = new(tmp_path), recipe_of({})
    running = start(folder, recipe)
    save = running.save

    def spoil(why: str, *arguments: Any) -> None:
        if running.step == 100:
            with torch.no_grad():
                next(running.parts.networks[network].parameters()).view(-1)[0] = float("nan")
        save(why, *arguments)

    running.save = spoil  # type: ignore[method-assign]
    with pytest.raises(Diverged) as stopped:
        train(running)
    assert str(stopped.value).startswith(f"{network}.")
    assert "is nan at step 100; the last good checkpoint is 0000000080-1" in str(stopped.value)
    newest, skipped = newest_whole(folder)
    assert newest is not None and newest.step == 80 and not skipped
    resumed = cut_back(folder, tmp_path / "resumed", 80)
    assert run(resumed, recipe, attempt=2) == "FINISHED"


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    recipe = small(algorithm={"learning_rate": 1e-3})
    running = start(new(tmp_path), recipe)
    spoiled = running.parts.critic.descend

    def descend(*arguments: Any, **options: Any) -> Any:
        metrics = spoiled(*arguments, **options)
        if running.step >= 70:
            metrics["loss/critic"] = metrics["loss/critic"] * float("inf")
        return metrics

    running.parts.critic.descend = descend  # type: ignore[method-assign]
    with pytest.raises(
        Diverged, match=r"loss/critic is (inf|nan) at step 80; the last good checkpoint is 0000000060-1"
    ):
        train(running)
