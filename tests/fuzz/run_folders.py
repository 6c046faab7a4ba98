"""A real run, and copies of its folder with something wrong in each."""

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import yaml

from acceltui.recipe.errors import RecipeError
from acceltui.recipe.load import dump_resolved, load_resolved
from acceltui.runs.checkpoints import checkpoint_folders
from acceltui.runs.files import seal
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import create_run_folder
from tests.engine.engine_recipes import small
from tests.fuzz.mutate import as_json, changed, damaged, generator
from tests.fuzz.resuming import engine

SEED = 1
TINY = small(
    algorithm={"random_steps": 5, "batch_size": 4},
    accelerator={"steps": 20},
    clone={"batch_size": 4},
    online={"steps": 20, "critic_warmup": 5, "clone_fade": 10},
    evaluation={"every": 40, "episodes": 1, "num_envs": 1},
    checkpoint={"every": 5, "keep": 100, "replay": "full"},
    log={"every": 5},
)
"""Forty steps, half of them in each stage."""
STOPPED_AT = (15, 20, 35)
"""In stage accelerate, at the switch, in stage online."""
EXTRA = {
    "engine.log": b"step         0  start      Pendulum-v1\n",
    "recipe.yaml": b"version: 1\n",
    "overrides.json": b"[]\n",
}


def make_runs(root: Path) -> dict[int, RunFolder]:
    """A run that was stopped, by the step it was stopped at."""
    whole = create_run_folder(root, "small", 3, name="whole")
    whole.resolved.write_text(dump_resolved(TINY))
    for name, data in EXTRA.items():
        (whole.path / name).write_bytes(data)
    whole.environment.write_text(json.dumps({"command": "accel run small", "versions": {"torch": "2"}, "git": None}))
    ended = engine("run", whole.path, root / "printed", seconds=200)
    assert ended.code == 0, ended.printed
    return {step: stopped(whole, root / f"stopped-{step}", step) for step in STOPPED_AT}


def stopped(whole: RunFolder, into: Path, step: int) -> RunFolder:
    """The run as it was when it had been stopped at a checkpoint."""
    folder = RunFolder(into)
    shutil.copytree(whole.path, folder.path)
    for path in folder.checkpoints.iterdir():
        if not step - 10 <= int(path.name.partition("-")[0]) <= step:
            shutil.rmtree(path)
    for path in (folder.metrics, folder.events):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if json.loads(line)["step"] <= step))
    status = json.loads(folder.status.read_text())
    changes = {"state": "STOPPED", "step": step, "run": folder.name, "stage": "online" if step > 20 else "accelerate"}
    folder.status.write_text(json.dumps(status | changes))
    return folder


def case(runs: dict[int, RunFolder], number: int, root: Path) -> tuple[RunFolder, list[str]]:
    """The folder of a case, and what was done to it."""
    draw = generator(SEED, number, "folder")
    folder = RunFolder(root / f"case-{number}")
    shutil.copytree(runs[draw.choice(STOPPED_AT)].path, folder.path)
    done = [harm(folder, draw) for _ in range(draw.choice((1, 1, 1, 2, 3)))]
    return folder, done


def newest(folder: RunFolder) -> Path:
    """Its newest checkpoint, as far as names tell."""
    return max(checkpoint_folders(folder), default=folder.checkpoints)


def harm(folder: RunFolder, draw: random.Random) -> str:
    """Do one thing to a folder; says what."""
    path = target(folder, draw)
    ways = [spoil] * 4 + [reshape] + ([rewrite] * 4 if path.suffix in (".json", ".jsonl", ".yaml") else [])
    if path.parent.parent == folder.checkpoints and path.name != "manifest.json":
        ways += [spoil_and_seal] * 6
    if draw.random() < 0.1:
        ways = [leave_something]
    way = draw.choice(ways)
    if way in (spoil, rewrite, spoil_and_seal) and not path.is_file():
        return f"{way.__name__} {path.name}: not done, it is no file"  # but a pipe, which would hold this process
    try:
        return f"{way.__name__} {path.relative_to(folder.path)}: {way(path, folder, draw)}"
    # What an earlier mishap left cannot be harmed this way.
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        return f"{way.__name__} {path.name}: not done, {error}"


def target(folder: RunFolder, draw: random.Random) -> Path:
    """Which file or folder it is done to."""
    checkpoint = newest(folder)
    named = [folder.status, folder.metrics, folder.events, folder.resolved, folder.status, folder.metrics]
    named += [checkpoint / name for name in ("manifest.json", "manifest.json", "state.json", "state.safetensors")]
    if draw.random() < 0.7:
        return draw.choice(named)
    return draw.choice(sorted(folder.path.rglob("*")) or named)


def spoil(path: Path, folder: RunFolder, draw: random.Random) -> str:
    """Other bytes."""
    data = damaged(path.read_bytes(), draw)
    path.write_bytes(data)
    return f"{len(data)} bytes"


def rewrite(path: Path, folder: RunFolder, draw: random.Random) -> str:
    """A document of the right format that says something else."""
    if path.suffix == ".yaml":
        data = as_json(changed(yaml.safe_load(path.read_bytes()), draw))
    elif path.suffix == ".json":
        data = as_json(changed(json.loads(path.read_bytes()), draw))
    else:
        lines = path.read_bytes().splitlines()
        at = draw.randrange(len(lines))
        lines[at] = as_json(changed(json.loads(lines[at]), draw))
        if draw.random() < 0.2:
            lines.insert(
                at, as_json({"rewind_to": draw.choice((-1, 0, 10, 10**30, None)), "attempt": draw.choice((0, 9))})
            )
        data = b"\n".join(lines) + b"\n"
    path.write_bytes(data)
    return ascii(data[:300])


def spoil_and_seal(path: Path, folder: RunFolder, draw: random.Random) -> str:
    """Damage that the manifest does not tell: who wrote it wrote the manifest too."""
    said = (rewrite if path.suffix == ".json" and draw.random() < 0.7 else spoil)(path, folder, draw)
    manifest = path.with_name("manifest.json")
    if not manifest.is_file():  # a pipe in its place would hold this process
        return said
    document: dict[str, Any] = json.loads(manifest.read_bytes())
    document["files"][path.name] = seal(path)
    manifest.write_text(json.dumps(document))
    return said


def reshape(path: Path, folder: RunFolder, draw: random.Random) -> str:
    """Something else in its place."""
    elsewhere = folder.path.with_name(f"{folder.name}-elsewhere")
    path.rename(elsewhere) if draw.random() < 0.5 else remove(path)
    kind = draw.choice(("nothing", "empty", "folder", "link", "device", "dangling", "loop", "fifo", "large"))
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(elsewhere if elsewhere.exists() else draw.choice((folder.path, "/etc/hostname", "/")))
        case "device":
            path.symlink_to(draw.choice(("/dev/zero", "/dev/tty", "/dev/full")))
        case "dangling":
            path.symlink_to("nowhere")
        case "loop":
            path.symlink_to(path.name)
        case "fifo":
            os.mkfifo(path)
        case "large":
            path.touch()
            os.truncate(path, 1 << 26)
    return kind


def leave_something(path: Path, folder: RunFolder, draw: random.Random) -> str:
    """A file that nobody asked for."""
    name = draw.choice(
        ("a.json", "00000000000000000001-00000000.json", "\x1b[31m.json", "conftest.py", "torch.py", "a.pkl")
    )
    parent = draw.choice((folder.path, folder.commands, folder.acks, folder.checkpoints))
    command = {"id": Path(name).stem, "kind": draw.choice(("stop", "switch", "evaluate", "pickle")), "by": "me@here"}
    (parent / name).write_bytes(damaged(as_json(command), draw))
    return str((parent / name).relative_to(folder.path))


def remove(path: Path) -> None:
    """Whatever it is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def discard(folder: RunFolder) -> None:
    """Nothing of a case is left."""
    for path in (folder.path, folder.path.with_name(f"{folder.name}-elsewhere")):
        if path.is_symlink() or path.exists():
            remove(path)


def affordable(folder: RunFolder) -> bool:
    """Whether a test can pay for what the recipe asks for by now: what cannot be read costs nothing."""
    try:
        recipe = load_resolved(folder.resolved)
    except RecipeError:
        return True
    document = recipe.model_dump()
    env = document["env"]
    sizes = [value for key, value in numbers(document) if key not in ("seed", "steps", "every", "after")]
    return env["kind"] == "gymnasium" and not env["processes"] and env["num_envs"] <= 4 and max(sizes) <= 20_000


def numbers(document: Any, key: str = "") -> list[tuple[str, float]]:
    """All numbers in a document, by the key they have."""
    if isinstance(document, dict):
        return [found for name, value in document.items() for found in numbers(value, name)]
    if isinstance(document, list):
        return [found for value in document for found in numbers(value, key)]
    return [(key, document)] if isinstance(document, int | float) else []
