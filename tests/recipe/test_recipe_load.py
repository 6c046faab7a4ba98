"""Recipes that load: scalars, composition, overrides, the round trip through resolved.yaml, noise."""

import random
import tomllib
from pathlib import Path

import pytest

from acceltui.recipe.errors import RecipeError
from acceltui.recipe.load import dump_resolved, load_recipe, load_resolved
from acceltui.recipe.schema import GPT, SAC, GTrXL, MLPAccelerator
from acceltui.recipe.yaml12 import scalar

ROOT = Path(__file__).parents[2]
FULL = """\
version: 1
name: full
seed: 3
env: {kind: gymnasium, id: Pendulum-v1, keep: [0, 1], num_envs: 2}
algorithm: {kind: td3, learning_rate: 3e-4, random_steps: 5_000, target_noise: {std: 0.1}}
accelerator: {kind: lstm, context: 10, hidden: 64, replay: 100_000, steps: 1e5}
clone: {from: replay, newest: 50_000}
switch: {any: [{plateau: {patience: 5, after: 30_000}}, {all: [{step: 10}, {share: {reach: 0.8}}]}]}
online: {algorithm: {exploration_noise: 0.2, target_noise: {clip: 0.4}}}
"""


@pytest.fixture
def full(tmp_path: Path) -> Path:
    return write(tmp_path / "full.yaml", FULL)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3), ("3e-4", 3e-4), ("1E6", 1e6), (".5", 0.5), ("5.", 5.0), ("-2", -2), ("+7", 7), ("010", 10),
        ("0o17", 15), ("0xff", 255), ("100_000", 100_000), ("1_0.5", 10.5), ("_1", "_1"), ("1__0", "1__0"),
        ("1_", "1_"), ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("True", True), ("tRUE", "tRUE"),
        ("~", None), ("null", None), ("", None), ("2024-01-01", "2024-01-01"), ("1:30", "1:30"), ("0b1", "0b1"),
        ("-.inf", float("-inf")), ("inf", "inf"), ("nan", "nan"), ("1e", "1e"), (".", "."), ("-", "-"),
    ],
)  # fmt: skip
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_numbers_as_people_write_them(full: Path) -> None:
    recipe = load_recipe(full).recipe
    assert recipe.accelerator.steps == 100_000 and type(recipe.accelerator.steps) is int
    assert recipe.algorithm.learning_rate == 3e-4
    assert recipe.algorithm.random_steps == 5_000


def test_a_byte_order_mark_and_anchors_are_read(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    text = FULL + "critic: {hidden: &layers [32, 16]}\nevaluation: {num_envs: &n 3, episodes: *n}\n"
    path.write_bytes(b"\xef\xbb\xbf%YAML 1.2\n---\n" + text.encode().replace(b"\n", b"\r\n"))
    loaded = load_recipe(path)
    assert loaded.recipe.critic.hidden == [32, 16]
    assert loaded.recipe.evaluation.episodes == 3
    assert loaded.where("env.id") == f"{path}:6:28"


def test_sources_are_the_exact_bytes_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    base = write(tmp_path / "base" / "full.yaml", FULL)
    path = write(tmp_path / "recipe.yaml", "extends: base/full.yaml # here\nseed: 9\n")
    loaded = load_recipe(path, ["seed=10"])
    assert loaded.sources == [(path, path.read_bytes()), (tmp_path / "base/full.yaml", base.read_bytes())]
    assert loaded.overrides == ["seed=10"]
    assert loaded.recipe.seed == 10
    assert [loaded.where(key) for key in ("seed", "name")] == ["override 1: seed=10", f"{base}:2:7"]


def test_maps_merge_lists_replace_kinds_exclude(tmp_path: Path, full: Path) -> None:
    text = "env: {keep: [2]}\nalgorithm: {target_noise: {clip: 0.3}}\naccelerator: {kind: mlp, steps: 60_000}\n"
    recipe = load_recipe(write(tmp_path / "recipe.yaml", "extends: full.yaml\n" + text)).recipe
    assert (recipe.env.id, recipe.env.keep) == ("Pendulum-v1", [2])
    assert (recipe.algorithm.target_noise.std, recipe.algorithm.target_noise.clip) == (0.1, 0.3)
    assert recipe.accelerator == MLPAccelerator(kind="mlp", steps=60_000), "nothing of the LSTM remains"
    online = recipe.online_algorithm
    assert (online.target_noise.std, online.target_noise.clip) == (0.1, 0.4), "one key of a map does not hide the rest"
    assert (online.exploration_noise, online.random_steps) == (0.2, 5_000)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [("switch: {step: 7}", {"step"}), ("switch: null", None), ("switch: {any: [{step: 3}]}", {"any"})],
)
def test_a_switch_rule_replaces_another(tmp_path: Path, full: Path, text: str, kinds: set[str] | None) -> None:
    switch = load_recipe(write(tmp_path / "recipe.yaml", f"extends: full.yaml\n{text}\n")).recipe.switch
    assert (switch and {key for key, value in switch if value is not None}) == kinds


@pytest.mark.parametrize(
    ("key", "value", "kind", "heads"),
    [("kind", "gpt", "gpt", 8), ("kind", "gtrxl", "gtrxl", 4), ("layers", "2", "gpt", 8)],
)
def test_a_kind_left_unsaid_is_the_usual_one(
    tmp_path: Path, full: Path, key: str, value: str, kind: str, heads: int
) -> None:
    """Another kind empties a section that never said its own, and the same kind does not."""
    write(full, FULL + "transformer: {heads: 8}\n")
    extended = write(tmp_path / "recipe.yaml", f"extends: full.yaml\ntransformer: {{{key}: {value}}}\n")
    for loaded in (load_recipe(extended), load_recipe(full, [f"transformer.{key}={value}"])):
        transformer = loaded.recipe.transformer
        assert isinstance(transformer, GPT | GTrXL)
        assert (transformer.kind, transformer.heads) == (kind, heads)


def test_three_files_in_a_chain(tmp_path: Path, full: Path) -> None:
    write(tmp_path / "second.yaml", "extends: full.yaml\nseed: 4\nlog: {every: 10}\n")
    path = write(tmp_path / "first.yaml", "extends: second.yaml\nlog: {tensorboard: false}\n")
    loaded = load_recipe(path)
    assert (loaded.recipe.seed, loaded.recipe.log.every, loaded.recipe.log.tensorboard) == (4, 10, False)


@pytest.mark.parametrize(
    ("overrides", "key", "value"),
    [
        (["switch.any.0.plateau.patience=8"], "switch.any.0.plateau.patience", 8),
        (["switch.any.1.all.0.step=1e3"], "switch.any.1.all.0.step", 1000),
        (["env.keep.1=2"], "env.keep", [0, 2]),
        (["env.keep=[3, 4]"], "env.keep", [3, 4]),
        (["clone.from=rollouts"], "clone.from", "rollouts"),
        (["algorithm.target_noise={clip: 0.25}"], "algorithm.target_noise", {"std": 0.1, "clip": 0.25}),
        (["seed=1", "seed=2"], "seed", 2),
        (["switch.step=500"], "switch", {"step": 500}),
        (["switch.any.0.step=500"], "switch.any.0", {"step": 500}),
        (["env.id=A=b"], "env.id", "A=b"),
        (["accelerator.layers=2"], "accelerator.hidden", 64),
        (["critic.context=4"], "critic", {"kind": "mlp", "context": 4, "hidden": [256, 256], "norm": "none"}),
    ],
)
def test_overrides(full: Path, overrides: list[str], key: str, value: object) -> None:
    found = load_recipe(full, overrides).recipe.model_dump(by_alias=True, exclude_none=True)
    for part in key.split("."):
        found = found[int(part)] if part.isdecimal() else found[part]
    assert found == value


@pytest.mark.parametrize("kind_first", [True, False])
def test_a_kind_override_empties_its_section_whatever_the_order(full: Path, kind_first: bool) -> None:
    overrides = ["accelerator.kind=mlp", "accelerator.hidden=[32]"]
    recipe = load_recipe(full, overrides if kind_first else overrides[::-1]).recipe
    assert recipe.accelerator == MLPAccelerator(kind="mlp", hidden=[32])


def test_the_same_kind_changes_nothing(full: Path) -> None:
    assert load_recipe(full, ["accelerator.kind=lstm"]).recipe == load_recipe(full).recipe


def test_online_algorithm_lays_changes_over(full: Path) -> None:
    recipe = load_recipe(full).recipe
    assert recipe.online_algorithm.exploration_noise == 0.2
    assert recipe.online_algorithm.learning_rate == recipe.algorithm.learning_rate


@pytest.mark.parametrize("env_id", ["Pendulum-v1", "1e5", "no", "0o17", "100_000", "~", "a: b", "- #", "Pendülum", "'"])
def test_resolved_recipes_come_back_equal(full: Path, tmp_path: Path, env_id: str) -> None:
    recipe = load_recipe(full).recipe
    recipe = recipe.model_copy(update={"env": recipe.env.model_copy(update={"id": env_id})})
    recipe = recipe.model_copy(update={"algorithm": recipe.algorithm.model_copy(update={"tau": 1e-7})})
    text = dump_resolved(recipe)
    resolved = load_resolved(write(tmp_path / "resolved.yaml", text))
    assert resolved == recipe
    assert dump_resolved(resolved) == text
    assert resolved.online_algorithm == recipe.online_algorithm


def test_resolved_recipes_write_defaults_out(full: Path) -> None:
    text = dump_resolved(load_recipe(full).recipe)
    assert text.startswith("version: 1\nname: full\nseed: 3\n")
    assert "  from: replay\n" in text and "  hidden: [256, 256]\n" in text and "  discount: 0.99\n" in text


@pytest.mark.parametrize(("written", "target"), [("auto", "auto"), ("-3", -3.0), ("null", None)])
def test_null_survives_where_it_is_not_the_default(
    full: Path, tmp_path: Path, written: str, target: float | str | None
) -> None:
    changes = ["algorithm.kind=sac", f"algorithm.entropy.target={written}"]
    td3_only = ["online.algorithm.exploration_noise=null", "online.algorithm.target_noise=null"]
    recipe = load_recipe(full, changes + td3_only).recipe
    assert isinstance(recipe.algorithm, SAC) and recipe.algorithm.entropy.target == target
    assert load_resolved(write(tmp_path / "resolved.yaml", dump_resolved(recipe))) == recipe


@pytest.mark.parametrize(("allowed", "loads"), [(["lab.envs"], True), (["lab"], False), (["lab.envs.x"], False)])
def test_imports_are_allowed_by_exact_name(full: Path, allowed: list[str], loads: bool) -> None:
    overrides = ["env.id=lab.envs:Cart-v0"]
    if loads:
        assert load_recipe(full, overrides, allowed).recipe.env.id == "lab.envs:Cart-v0"
    else:
        with pytest.raises(RecipeError, match=r"env\.id=.*add `--allow-import lab\.envs`"):
            load_recipe(full, overrides, allowed)


def test_noise_never_raises_anything_else(tmp_path: Path) -> None:
    """Bytes of a recipe changed, repeated, dropped at random: a recipe or a report, nothing else."""
    chance = random.Random(0)
    pieces = [
        b"\x00",
        b"\xff",
        b"\t",
        b"\n",
        b": ",
        b"- ",
        b"[",
        b"}",
        b"&a ",
        b"*a",
        b"!!x ",
        b'"\\U',
        b"<<: ",
        b"%",
        b"|\n",
    ]
    path, outcomes = tmp_path / "noise.yaml", set()
    for _ in range(600):
        data = bytearray(FULL.encode())
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(data))
            data[start : start + chance.randint(0, 6)] = chance.choice([*pieces, data[start : start + 40], b""])
        path.write_bytes(data)
        try:
            load_recipe(path, [data[:30].decode("latin-1")] if chance.random() < 0.2 else [])
            outcomes.add("recipe")
        except RecipeError as error:
            assert error.problems and all(str(problem).isprintable() for problem in error.problems)
            outcomes.add("report")
    assert outcomes == {"recipe", "report"}


def test_the_package_list_is_complete() -> None:
    """The list is written by hand, because recipes/ is shipped as a package of another name."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "acceltui").rglob("*.py")}
    assert set(listed) == found | {"acceltui.recipe.shipped"}


@pytest.mark.parametrize("text", ["null", "[]", "a"])
def test_a_resolved_recipe_that_is_no_map_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(RecipeError, match=":1:1: not a map of sections"):
        load_resolved(write(tmp_path / "resolved.yaml", text))
