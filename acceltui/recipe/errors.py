"""What a person reads when a recipe is wrong: every problem at once, each with its place, its key and a way out."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a recipe, in one sentence."""

    where: str
    """`file:line:column`, the file alone, or the override."""
    path: str
    """Dotted path of the value in the recipe, `switch.any.0.step`; empty where no value is meant."""
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        # An override's place is its own text and names the path already.
        path = "" if not self.path or f" {self.path}=" in self.where else f"{self.path}: "
        return f"{self.where}: {path}{self.message}" + (f"; {self.hint}" if self.hint else "")


class RecipeError(Exception):
    """A recipe that cannot be used; its text is the whole report, a line a problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: a position in a file, or an override."""

    source: str
    line: int = 0
    """From 1; 0 where the source is not divided into lines."""
    column: int = 0
    """From 1."""
    rank: int = 0
    """Order of the sources in a report: the recipe, what it extends, the overrides."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass
class Report:
    """Collects problems and gives them in the order in which they stand in the files."""

    found: list[tuple[Place, Problem]] = field(default_factory=list)

    def add(self, place: Place, path: Sequence[str | int], message: str, hint: str | None = None) -> None:
        """Note a problem of the value at `path`."""
        self.found.append((place, Problem(str(place), ".".join(shown_key(key) for key in path), message, hint)))

    def fail(self, place: Place, path: Sequence[str | int], message: str, hint: str | None = None) -> NoReturn:
        """Note a problem that leaves nothing more to look at, and raise the report."""
        self.add(place, path, message, hint)
        raise self.error()

    def error(self) -> RecipeError:
        """All that was noted, as the exception to raise."""
        in_order = sorted(self.found, key=lambda item: (item[0].rank, item[0].line, item[0].column))
        return RecipeError([problem for _, problem in in_order])


def shown(text: str, limit: int = 60) -> str:
    """`text` in quotes, short, and without characters that a terminal would not show as they are."""
    return ascii(text if len(text) <= limit else text[: limit - 3] + "...")


def shown_key(key: str | int) -> str:
    """A key of a path: as it is where it is plain, else with its unusual characters spelled out."""
    text = str(key)
    return text if text.isascii() and text.isprintable() and 0 < len(text) <= 60 else shown(text)


def nearest(word: str, words: Sequence[str]) -> str | None:
    """The one of `words` that was probably meant."""
    lower = {candidate.lower(): candidate for candidate in words}
    found = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return lower[found[0]] if found else None
