"""Every file in broken/ begins with what its author is told: lines `#! LINE:COLUMN: path: message; hint`."""

import os
from pathlib import Path

import pytest

from acceltui.recipe.errors import RecipeError
from acceltui.recipe.load import load_recipe

BROKEN = sorted(Path(__file__).with_name("broken").glob("*.yaml"))
GOOD = "version: 1\nname: good\nenv: {id: Pendulum-v1}\naccelerator: {kind: mlp}\n"


def told(path: Path, *overrides: str) -> list[str]:
    """The lines of the report about a recipe."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, overrides)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_the_author_is_told_everything_with_its_place(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    lines = [line.removeprefix(f"{path.name}:") for line in told(Path(path.name))]
    expected = [line[3:] for line in path.read_text().splitlines() if line.startswith("#! ")]
    assert lines == expected


def test_a_problem_can_be_taken_apart() -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(Path(__file__).with_name("broken") / "typo_nested.yaml")
    (problem,) = caught.value.problems
    assert problem.where.endswith("typo_nested.yaml:8:5")
    assert problem.path == "algorithm.target_noise.sdt"
    assert (problem.message, problem.hint) == ("unknown key", "did you mean std?")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"version: 1\nname: \xff\n", "2:7: not UTF-8 text; save the file as UTF-8"),
        ("version: 1\n".encode("utf-16"), "1:1: not UTF-8 text; save the file as UTF-8"),
        (b"\xef\xbb\xbfversion: 1\nname: a\x00b\n", "2:8: an invisible character, U+0000; delete it"),
        (b"version: 1\nname: a # \xe2\x80\xa8seed: 3\n", "2:11: an invisible character, U+2028; delete it"),
        (b"# " + b"a" * (1 << 20), "is larger than 1 MiB, which no recipe is"),
        (b"[" * 100_000, "1:34: nested more than 32 levels deep"),
        (b"a: {" * 40 + b"}" * 40, "1:132: nested more than 32 levels deep"),
        (b"a:\n" + b"- 1\n" * 2_001, "2000:3: more than 2,000 values, aliases written out"),
        (
            b"a0: &a0 [1, 2]\n" + b"".join(b"a%d: &a%d [*a%d, *a%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 30)),
            "9:15: more than 2,000 values, aliases written out",
        ),
        (
            b"a0: &a0 [1]\n" + b"".join(b"a%d: &a%d [*a%d]\n" % (n, n, n - 1) for n in range(1, 60)),
            "32:12: nested more than 32 levels deep",
        ),
    ],
    ids=lambda value: value[:12].hex() if isinstance(value, bytes) else "",
)  # fmt: skip
def test_content_that_is_no_recipe(tmp_path: Path, content: bytes, line: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    (told_line,) = told(path)
    assert told_line.removeprefix(f"{path}:").strip() == line


def test_paths_that_lead_to_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    assert told(tmp_path / "fifo") == [f"{tmp_path}/fifo: is not a regular file; give the path of a YAML file"]
    assert told(Path("/dev/zero")) == ["/dev/zero: is not a regular file; give the path of a YAML file"]
    assert told(tmp_path) == [f"{tmp_path}: cannot be read: is a directory"]
    assert told(tmp_path / "none.yaml") == [f"{tmp_path}/none.yaml: cannot be read: no such file or directory"]
    assert told(tmp_path / "loop") == [f"{tmp_path}/loop: cannot be read: too many levels of symbolic links"]
    assert "cannot be read" in told(Path("a\0b"))[0]


def test_a_strange_file_name_is_shown_safely(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\x1b[31m\xff.yaml"))
    path.write_text("seed: x\n")
    assert "\x1b" not in "".join(told(path))
    "".join(told(path)).encode("utf-8")


@pytest.mark.parametrize(
    "name", [r"\udc85.yaml", r"a\0b", r"\x1b[31m", "a" * 501], ids=["surrogate", "nul", "escape", "long"]
)
def test_extending_what_no_file_is_called(tmp_path: Path, name: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f'extends: "{name}"\n')
    assert told(path)[-1] == f"{path}:1:10: extends: not a file name; write one file, relative to this one"


def test_a_hint_repeats_nothing_that_cannot_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(GOOD + 'critic: {hidden: "\\ud800"}\n')
    assert told(path)[-1] == rf"{path}:5:18: critic.hidden: '\ud800' is not a list"


def test_extending_a_fifo_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    path = tmp_path / "recipe.yaml"
    path.write_text("extends: fifo\n")
    assert told(path) == [
        f"{path}:1:10: extends: {tmp_path}/fifo is not a regular file; give the path of a YAML file"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "lines"),
    [
        (["accelerator.replay=lots"], ["override 1: accelerator.replay=lots: 'lots' is not a whole number"]),
        (["seed=2", "onlin.steps=3"], ["override 2: onlin.steps=3: onlin: unknown key; did you mean online?"]),
        (["clone.form=replay"], ["override 1: clone.form=replay: unknown key; did you mean from?"]),
        (["seed"], ["override 1: seed: not of the form key.path=value; for example accelerator.replay=50_000"]),
        (["a..b=1"], ["override 1: a..b=1: not of the form key.path=value; for example accelerator.replay=50_000"]),
        (["extends=x"], ["override 1: extends=x: only a recipe extends a file, an override cannot"]),
        (["switch.any.0.step=5"], ["override 1: switch.any.0.step=5: no element 0 where there is no list"]),
        (["env.keep=[1]", "env.keep.1=3"], ["override 2: env.keep.1=3: no element '1' in a list of 1, counted from 0"]),
        (["seed="], ["override 1: seed=: empty where a whole number belongs"]),
        (["accelerator.kind=lstm", "accelerator.hidden=[64]"],
         ["override 2: accelerator.hidden=[64]: a list is not a whole number"]),
        (["critic.hidden=[1", "seed=x"],
         ["override 1: critic.hidden=[1: not valid YAML: expected ',' or ']', but got '<stream end>'; "
          "a bracket or brace is not closed", "override 2: seed=x: 'x' is not a whole number"]),
        (["online.replay=10_000"], ["override 1: online.replay=10_000: online.seed_replay: 20000 transitions are more "
          "than online.replay = 10000 holds; give at most 10000"]),
        (["se\x1bed=1"], [r"override 1: 'se\x1bed=1': an invisible character in the key 'se\x1bed'; delete it"]),
        (["\udc85seed=1"], [r"override 1: '\udc85seed=1': an invisible character in the key '\udc85seed'; delete it"]),
        (["a" * 200 + "=1"],
         [f"override 1: {'a' * 117}...: '{'a' * 57}...': unknown key; the keys here are version, name, seed, method, "
          "engine, env, algorithm, encoder, critic, accelerator, transformer, clone, switch, online, evaluation, "
          "checkpoint, log"]),
        (["name=a\x1b[31mb"], [r"override 1: 'name=a\x1b[31mb': name: an invisible character, U+001B; delete it"]),
    ],
)  # fmt: skip
def test_overrides_are_blamed_by_number_and_text(tmp_path: Path, overrides: list[str], lines: list[str]) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(GOOD)
    assert told(path, *overrides) == lines


def test_an_override_of_many_keys_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(GOOD)
    assert "not of the form" in told(path, ".".join("a" * 100_000) + "=1")[0]


def test_an_unused_section_is_not_checked_against_others(tmp_path: Path) -> None:
    """Cloning and the second stage mean nothing to the two methods that have none."""
    path = tmp_path / "recipe.yaml"
    path.write_text(GOOD + "clone: {newest: 100}\nonline: {seed_replay: 1e6, clone_fade: 1e6}\nswitch: {step: 1e7}\n")
    assert len(told(path)) == 5
    for method in ("scratch", "accelerator"):
        assert load_recipe(path, [f"method={method}"]).recipe.method == method


@pytest.mark.parametrize(
    ("method", "window", "fits"),
    [("accelerated", 500, False), ("scratch", 10, True), ("accelerator", 500, False)],
)
def test_only_contexts_in_use_make_the_window(tmp_path: Path, method: str, window: int, fits: bool) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(GOOD + "online: {replay: 400, seed_replay: 400}\nclone: {newest: 450}\n")
    overrides = [f"method={method}", "accelerator.context=500", "accelerator.replay=450"]
    if fits:
        assert load_recipe(path, overrides).recipe.window == window
    else:
        assert any(f"no window of accelerator.context = {window}" in line for line in told(path, *overrides))
