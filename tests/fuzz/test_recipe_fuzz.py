"""Thousands of damaged recipes: each is read, or refused in sentences that say where it is wrong."""

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from acceltui.recipe.errors import RecipeError
from acceltui.recipe.load import dump_resolved, load_recipe, load_resolved
from tests.fuzz.mutate import BYTES, EDGES, as_json, changed, damaged, depth, generator
from tests.fuzz.watchdog import watchdog

SEED = 1
TOP = Path(__file__).parents[2]
SHIPPED = sorted((TOP / "recipes").glob("*.yaml"))
BROKEN = sorted((TOP / "tests/recipe/broken").glob("*.yaml"))
LONGEST_SENTENCE, LONGEST_REPORT = 1_000, 100_000
SECONDS = 20.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a damaged recipe finds what it extends."""
    folder = tmp_path_factory.mktemp("recipes")
    for path in (*SHIPPED, *BROKEN):
        shutil.copy(path, folder)
    shutil.copytree(TOP / "tests/recipe/broken/part", folder / "part")
    return folder


def recipe_of(number: int) -> bytes:
    """The damaged recipe of a case."""
    draw = generator(SEED, number, "recipe")
    data = draw.choice(SHIPPED if draw.random() < 0.7 else BROKEN).read_bytes()
    if draw.random() < 0.5:
        return damaged(data, draw)
    document = None
    while not isinstance(document, dict):
        document = yaml.safe_load(draw.choice(SHIPPED).read_bytes())
    document = changed(document, draw)
    if draw.random() < 0.5 or depth(document) > 100:
        return as_json(document)
    return yaml.safe_dump(document, allow_unicode=draw.random() < 0.5).encode("utf-8", "surrogatepass")


def overrides_of(number: int) -> list[str]:
    """Overrides of a case, most of cases having none."""
    draw = generator(SEED, number, "overrides")
    return [override(draw) for _ in range(draw.choice((0, 0, 1, 2)))]


def override(draw: random.Random) -> str:
    keys: list[str] = []
    document = yaml.safe_load(draw.choice(SHIPPED).read_bytes())
    while isinstance(document, dict | list) and document and (not keys or draw.random() < 0.8):
        key = draw.choice(list(document) if isinstance(document, dict) else range(len(document)))
        keys, document = [*keys, str(key)], document[key]
    value = draw.choice(
        (
            str(document),
            str(draw.choice(EDGES)),
            draw.choice(BYTES).decode("utf-8", "surrogateescape"),
            "[1, 2]",
            "{kind: lstm}",
        )
    )
    text = f"{'.'.join(keys)}={value}"
    if draw.random() < 0.3:
        text = damaged(text.encode("utf-8", "surrogatepass"), draw).decode("utf-8", "surrogateescape")
    return text


def check_report(error: RecipeError, path: Path) -> None:
    """The report can be read in a terminal, and names file or override in each of its lines."""
    assert error.problems
    assert len(str(error)) <= LONGEST_REPORT
    for line in str(error).split("\n"):
        assert line.isprintable(), ascii(line)
        assert len(line) <= LONGEST_SENTENCE, line
        assert line.startswith((f"{path.parent}/", "override ")), line


def read(path: Path, number: int) -> None:
    """Read the recipe of a case, as a user's and as a run folder's; what is read can be written and read again."""
    path.write_bytes(recipe_of(number))
    overrides = overrides_of(number)
    for reader in (lambda: load_recipe(path, overrides).recipe, lambda: load_resolved(path)):
        try:
            with watchdog(SECONDS):
                recipe = reader()
        except RecipeError as error:
            check_report(error, path)
        else:
            resolved = path.with_name("resolved.yaml")
            resolved.write_text(dump_resolved(recipe))
            assert load_resolved(resolved) == recipe


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_a_damaged_recipe_is_read_or_refused(count: int, folder: Path) -> None:
    for number in range(count):
        with named(number):
            read(folder / "case.yaml", number)


@pytest.mark.parametrize("count", [6, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_the_command_line_says_what_is_wrong_and_exits_with_2(count: int, folder: Path) -> None:
    """Half of the cases are validated alone, half go as far as a run does before it has a folder."""
    path = folder / "case.yaml"
    for number in range(count):
        path.write_bytes(recipe_of(number))
        overrides = [text for text in overrides_of(number) if "\0" not in text and not text.startswith("-")]
        words = ["run", str(path), "--dry-run"] if number % 2 else ["validate", str(path), "--static"]
        call = [sys.executable, "-m", "acceltui", *words, *overrides]
        with named(number):
            done = subprocess.run(call, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
            told = (done.stdout + done.stderr).decode()
            assert done.returncode in (0, 2), told
            assert told.strip() and "Traceback" not in told, told
            assert done.returncode == 0 or all(line.isprintable() for line in told.splitlines()), told


@contextmanager
def named(number: int) -> Iterator[None]:
    """Have a failure say which case it is, and what the recipe was."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"recipe_of({number}), overrides_of({number}): {recipe_of(number)[:2000]!r}")
        raise
