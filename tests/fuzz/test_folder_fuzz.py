"""Thousands of damaged run folders: what reads them says what it can, and a resume ends as documented."""

import asyncio
import json
import shutil
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import acceltui.cli.follow as follow
import acceltui.cli.run as cli_run
from acceltui.cli import app
from acceltui.runs.folder import RunFolder
from acceltui.runs.jsonl import JsonlReader
from acceltui.runs.status import read_status
from acceltui.tui.app import AccelApp
from acceltui.tui.glyphs import ASCII
from acceltui.tui.watch import Watch
from tests.fuzz.resuming import engine
from tests.fuzz.run_folders import affordable, case, discard, make_runs, newest, remove
from tests.fuzz.watchdog import watchdog

SECONDS = 30.0
Runs = dict[int, RunFolder]


class Waits(Exception):
    """Following has come to where it waits for more."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return make_runs(tmp_path_factory.mktemp("runs"))


def accel(*words: str) -> tuple[int, str]:
    """A command in this process: exit code and all that it printed, which a terminal can show."""
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    for line in result.output.splitlines():
        assert line.isprintable(), f"{words}: {line!r}"
    return result.exit_code, result.output


def not_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def look(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that only reads."""
    root = ["--runs-dir", str(folder.path.parent)]
    assert accel("ls", *root)[0] == 0
    code, printed = accel("ls", "--json", *root)
    assert code == 0
    json.loads(printed, parse_constant=not_json)
    code, printed = accel("status", str(folder.path), "--json")
    assert code in (0, 2)
    if code == 0:
        json.loads(printed, parse_constant=not_json)
    for words in (("status",), ("log",), ("log", "-n", "3")):
        assert accel(*words, str(folder.path))[0] in (0, 2)
    watch = Watch(folder)
    for _ in range(3):
        snapshot = watch.poll()
    for name in ("loss/critic", "transformer/return", "replay/size"):
        snapshot.history.view(name)

    def waits(_: float) -> None:
        raise Waits

    with monkeypatch.context() as patched, redirect_stdout(StringIO()) as printed_lines:
        patched.setattr(follow.time, "sleep", waits)
        with suppress(Waits):
            follow.follow(folder)
    assert all(line.isprintable() for line in printed_lines.getvalue().split("\n"))


def ask_to_resume(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `accel resume` and `accel fork` look at before there is an engine."""
    launched: list[Any] = []
    with monkeypatch.context() as patched:
        patched.setattr(cli_run, "launch", lambda *arguments: launched.append(arguments))
        code, printed = accel("resume", str(folder.path))
        assert (code, bool(launched)) in ((0, True), (2, False)), printed
        assert printed


def resume(folder: RunFolder, forged: bool) -> None:
    """The engine goes on, or says why it cannot. `forged`: what it goes on from is whole, and anyone's work."""
    last = newest(folder).name
    ended = engine("resume", folder.path, folder.path.with_name("printed"))
    assert ended.code in (0, 1, 2, 75), f"exit code {ended.code}: {ended.printed}"
    assert forged or "Traceback" not in ended.printed, ended.printed
    assert "executed" not in ended.printed
    assert ended.printed.strip()
    if ended.code != 0:
        return
    status = read_status(folder)
    assert status is not None and status.state in ("FINISHED", "STOPPED")
    told = [(event.get("kind"), str(event.get("message"))) for event in JsonlReader(folder.events).poll()]
    begun = [message for kind, message in told if kind == "resume"][-1]
    assert f"from {last}" in begun or any(f"checkpoint {last} is skipped: " in message for _, message in told), begun


def try_all(number: int, runs: Runs, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One case."""
    folder, done = case(runs, number, root)
    try:
        with watchdog(SECONDS):
            look(folder, monkeypatch)
            ask_to_resume(folder, monkeypatch)
        if affordable(folder):
            resume(folder, forged=any(what.startswith("spoil_and_seal") for what in done))
    except BaseException as error:
        error.add_note(f"case(runs, {number}, ...): {'; '.join(done)}"[:4000])
        raise
    finally:
        discard(folder)


@pytest.mark.parametrize("count", [30, pytest.param(2_000, marks=[pytest.mark.slow, pytest.mark.timeout(4 * 3600)])])
def test_a_damaged_run_folder_is_read_and_resumed_or_refused(
    count: int, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(count):
        try_all(number, runs, tmp_path, monkeypatch)


def refused(folder: RunFolder, root: Path) -> str:
    """Why the engine does not go on."""
    ended = engine("resume", folder.path, root / "printed")
    assert ended.code == 2 and "Traceback" not in ended.printed, ended.printed
    return ended.printed.splitlines()[-1]


def test_a_whole_checkpoint_that_does_not_fit_the_recipe_is_refused(runs: Runs, tmp_path: Path) -> None:
    folder = RunFolder(shutil.copytree(runs[35].path, tmp_path / "run"))
    folder.resolved.write_text(folder.resolved.read_text().replace("width: 8", "width: 16"))
    assert "checkpoint 0000000035-1 is whole but does not fit this recipe: RuntimeError" in refused(folder, tmp_path)
    status = read_status(folder)
    assert status is not None and status.error is not None
    assert (status.state, status.error["kind"]) == ("FAILED", "checkpoint")


@pytest.mark.parametrize("name", ["metrics.jsonl", "events.jsonl", "commands", "lock"])
def test_what_stands_in_the_engines_way_is_named(name: str, runs: Runs, tmp_path: Path) -> None:
    folder = RunFolder(shutil.copytree(runs[35].path, tmp_path / "run"))
    remove(folder.path / name)
    (folder.path / name).symlink_to("nowhere")
    assert str(folder.path / name) in refused(folder, tmp_path)


def test_folders_that_are_gone_are_made_again(runs: Runs, tmp_path: Path) -> None:
    folder = RunFolder(shutil.copytree(runs[35].path, tmp_path / "run"))
    for path in (folder.commands, folder.acks):
        remove(path)
    ended = engine("resume", folder.path, tmp_path / "printed")
    assert ended.code == 0 and folder.commands.is_dir(), ended.printed
    assert "monitor" not in ended.printed


@pytest.mark.parametrize("count", [5, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
async def test_the_dashboard_shows_a_damaged_run(count: int, runs: Runs, tmp_path: Path) -> None:
    for number in range(count):
        folder, done = case(runs, number, tmp_path)
        app = AccelApp(folder, ASCII)
        try:
            async with app.run_test(size=(100, 30)) as pilot, asyncio.timeout(SECONDS):
                while app.snapshot is None or "-waiting" in app.dashboard.classes:
                    await pilot.pause(0.05)
        except BaseException as error:
            error.add_note(f"case(runs, {number}, ...): {'; '.join(done)}"[:4000])
            raise
        finally:
            discard(folder)
