"""A grid of recipes: each `key=a,b` is an axis, each combination of values, with each seed, a cell."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import yaml

from acceltui.recipe.errors import Place, Problem, RecipeError, Report
from acceltui.recipe.load import LoadedRecipe, load_recipe

MOST_CELLS = 2_000
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class Grid:
    """Which recipes are meant: overrides for each axis, and seeds; without seeds, the recipe's own."""

    axes: list[list[str]]
    seeds: list[int]

    @property
    def cells(self) -> list[list[str]]:
        """The overrides of each cell: seed by seed, so that what is there early can be compared."""
        seeds = [[f"seed={seed}"] for seed in self.seeds] or [[]]
        return [[*values, *seed] for seed in seeds for values in itertools.product(*self.axes)]


class Cell(NamedTuple):
    """One combination, and the recipe that it makes."""

    overrides: list[str]
    loaded: LoadedRecipe


def read_grid(words: Sequence[str], seeds: str | None) -> Grid:
    """The grid that `key=a,b` words span, with as many seeds as said, or those; RecipeError with all that is wrong."""
    report = Report()
    axes = [read_axis(word, place_of(number, word), report) for number, word in enumerate(words, start=1)]
    keys = [word.partition("=")[0] for word in words]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            hint = f"write {key}=A,B for several values"
            report.add(place_of(number + 1, words[number]), (), "this key is given twice", hint)
    chosen = [] if seeds is None else read_seeds(seeds, report)
    if chosen and "seed" in keys:
        report.add(place_of(keys.index("seed") + 1, words[keys.index("seed")]), (), "--seeds gives seeds already")
    if (count := math.prod(map(len, axes)) * max(len(chosen), 1)) > MOST_CELLS:
        report.add(Place("the grid"), (), f"{count:,} cells", f"a sweep has at most {MOST_CELLS:,}")
    if report.found:
        raise report.error()
    return Grid(axes, chosen)


def place_of(number: int, word: str) -> Place:
    """A word of the call, as errors name it."""
    return Place(f"override {number}: {word if word.isprintable() else ascii(word)}", rank=number)


def read_axis(word: str, place: Place, report: Report) -> list[str]:
    """`key=a,b` as `key=a` and `key=b`: what stands between commas that are in no list, map or quotes."""
    key, _, written = word.partition("=")
    if "," not in written:
        return [word]
    try:
        # Inside brackets, values are to YAML what they are in an override.
        node = yaml.compose(f"[{written}]", yaml.SafeLoader)
    except yaml.YAMLError:
        node = None
    if node is None or node.end_mark.index != len(written) + 2 or written.rstrip().endswith(","):
        report.add(place, (), "not values with commas between them", "a list is written [64, 64]")
        return []
    return [f"{key}={written[value.start_mark.index - 1 : value.end_mark.index - 1].strip()}" for value in node.value]


def read_seeds(text: str, report: Report) -> list[int]:
    """`3` is 1, 2 and 3; `1,4,7` are these."""
    parts = text.split(",")
    if all(part.strip().isdecimal() and part.isascii() and int(part) <= LARGEST_SEED for part in parts):
        numbers = [int(part) for part in parts]
        if len(parts) > 1:
            return list(dict.fromkeys(numbers))
        if 1 <= numbers[0] <= MOST_CELLS:
            return list(range(1, numbers[0] + 1))
    hint = "`--seeds 3` means 1, 2 and 3; `--seeds 1,4,7` these; one alone is the override seed=4"
    report.add(Place(f"--seeds {text if text.isprintable() else ascii(text)}"), (), "not a number of seeds", hint)
    return []


def load_grid(path: Path, grid: Grid, allow_import: Sequence[str] = ()) -> list[Cell]:
    """The recipe of each cell; RecipeError with all that is wrong, each with the first cell that has it."""
    loaded: list[Cell] = []
    wrong: dict[Problem, list[str]] = {}
    cells = grid.cells
    for overrides in cells:
        try:
            loaded.append(Cell(overrides, load_recipe(path, overrides, allow_import)))
        except RecipeError as error:
            for problem in error.problems:
                wrong.setdefault(problem, []).append(" ".join(overrides))
    if wrong:
        raise RecipeError([in_cells(problem, names, len(cells)) for problem, names in wrong.items()])
    return loaded


def in_cells(problem: Problem, names: list[str], count: int) -> Problem:
    """A problem with the first of the cells that have it; what all `count` of them have is no cell's fault."""
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return problem if len(names) == count else replace(problem, where=f"cell {names[0]}{more}: {problem.where}")
