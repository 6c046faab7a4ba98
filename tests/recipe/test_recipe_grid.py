"""`key=a,b` as the axis of a grid, and what is wrong with grids."""

from pathlib import Path

import pytest

from acceltui.recipe.errors import RecipeError
from acceltui.recipe.grid import MOST_CELLS, load_grid, read_grid
from acceltui.recipe.library import shipped_recipe

PENDULUM = shipped_recipe("pendulum_quick")


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("env.id=A-v1,B-v1", ["env.id=A-v1", "env.id=B-v1"]),
        ("env.id=mine:A-v1, mine:B-v1", ["env.id=mine:A-v1", "env.id=mine:B-v1"]),
        ("seed=4", ["seed=4"]),
        ("switch=", ["switch="]),
        ("critic.hidden=[64, 64]", ["critic.hidden=[64, 64]"]),
        (
            "critic.hidden=[64, 64],[32, 32], []",
            ["critic.hidden=[64, 64]", "critic.hidden=[32, 32]", "critic.hidden=[]"],
        ),
        ("switch={any: [{step: 5, a: 1}]},null", ["switch={any: [{step: 5, a: 1}]}", "switch=null"]),
        ("name='a,b',\"c,d\"", ["name='a,b'", 'name="c,d"']),
        ("algorithm.learning_rate=1e-3,-1,10_000", [f"algorithm.learning_rate={v}" for v in ("1e-3", "-1", "10_000")]),
    ],
)
def test_only_commas_outside_lists_maps_and_quotes_separate_values(word: str, values: list[str]) -> None:
    assert read_grid([word], None).cells == [[value] for value in values]


def test_each_combination_with_each_seed_is_a_cell_seed_by_seed() -> None:
    grid = read_grid(["env.id=A,B", "method=scratch,accelerator", "log.every=5"], "2")
    of_seed = [
        [f"env.id={env}", f"method={method}", "log.every=5"] for env in "AB" for method in ("scratch", "accelerator")
    ]
    assert grid.cells == [[*cell, f"seed={seed}"] for seed in (1, 2) for cell in of_seed]
    assert read_grid([], None).cells == [[]]


@pytest.mark.parametrize(("text", "seeds"), [("3", [1, 2, 3]), ("1", [1]), ("1,4,7", [1, 4, 7]), ("0, 9,0", [0, 9])])
def test_seeds_are_counted_or_named(text: str, seeds: list[int]) -> None:
    assert read_grid([], text).seeds == seeds


@pytest.mark.parametrize(
    ("words", "seeds", "says"),
    [
        (["env.id=A,"], None, "env.id=A,: not values with commas between them"),
        (["env.id=A,,B"], None, "not values with commas"),
        (["critic.hidden=[64, 64"], None, "not values with commas"),
        (["critic.hidden=64],[64"], None, "not values with commas"),
        (["env.id=A,B] #"], None, "not values with commas"),
        (["seed=1", "seed=2"], None, "override 2: seed=2: this key is given twice; write seed=A,B"),
        (["seed=1,2"], "3", "--seeds gives seeds already"),
        ([], "0", "--seeds 0: not a number of seeds"),
        ([], "-1", "not a number of seeds"),
        ([], "1,,2", "not a number of seeds"),
        ([], "many", "not a number of seeds"),
        ([], "99999999999,1", "not a number of seeds"),
        ([], "\u0663", "not a number of seeds"),
        (
            ["seed=" + ",".join(map(str, range(1999))), "log.every=1,2"],
            None,
            f"3,998 cells; a sweep has at most {MOST_CELLS:,}",
        ),
    ],
)
def test_what_is_no_grid_is_said_in_a_sentence(words: list[str], seeds: str | None, says: str) -> None:
    with pytest.raises(RecipeError) as error:
        read_grid(words, seeds)
    [line] = str(error.value).splitlines()
    assert says in line


def test_all_that_is_wrong_is_said_at_once_each_with_its_cell() -> None:
    grid = read_grid(["method=scratch,skratch", "critic.hidden=[64, 64],[0]", "log.evry=5", "word"], "2")
    with pytest.raises(RecipeError) as error:
        load_grid(PENDULUM, grid)
    lines = str(error.value).splitlines()
    assert len(lines) == 4
    of_all = [line for line in lines if not line.startswith("cell ")]
    assert len(of_all) == 2 and "log.evry" in of_all[0] + of_all[1] and "word: not of the form" in of_all[0] + of_all[1]
    [method] = [line for line in lines if "skratch:" in line]
    assert method.startswith(
        "cell method=skratch critic.hidden=[64, 64] log.evry=5 word seed=1 and 3 more: override 1:"
    )
    [hidden] = [line for line in lines if "critic.hidden=[0]:" in line]
    assert hidden.startswith("cell method=scratch critic.hidden=[0] ")


def test_a_recipe_that_is_not_there_is_missed_once(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as error:
        load_grid(tmp_path / "none.yaml", read_grid(["method=scratch,accelerator"], "3"))
    assert len(str(error.value).splitlines()) == 1


def test_each_cell_has_its_recipe() -> None:
    cells = load_grid(PENDULUM, read_grid(["critic.hidden=[64, 64],[32]", "method=scratch"], "1,4"))
    found = [(cell.loaded.recipe.critic.hidden, cell.loaded.recipe.seed) for cell in cells]
    assert found == [([64, 64], 1), ([32], 1), ([64, 64], 4), ([32], 4)]
    assert {cell.loaded.recipe.method for cell in cells} == {"scratch"}
