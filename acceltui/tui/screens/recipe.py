"""The recipe of a run as it was resolved, and what of it is not the default."""

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from acceltui.runs.folder import RunFolder
from acceltui.runs.text import clean
from acceltui.tui.glyphs import Glyphs
from acceltui.tui.keys import LEAVE, READING
from acceltui.tui.palette import DIM, STRONG
from acceltui.tui.screens.reading import ReadingScreen
from acceltui.tui.widgets.lines import TextLine

KEY = re.compile(r"^( *)([a-z0-9_]+):( .*)?$", re.IGNORECASE)


def recipe_lines(text: str, chosen: set[str], mark: str) -> Iterator[TextLine]:
    """Lines of resolved.yaml; those of the `chosen` keys, and of what they lie in, matter and bear a mark."""
    path: list[tuple[int, str]] = []
    known = {key: any(one == key or one.startswith(f"{key}.") for one in chosen) for key in parents(chosen)}
    matters = False
    for written in text.splitlines():
        if found := KEY.match(written):
            indent = len(found[1])
            path = [*(one for one in path if one[0] < indent), (indent, found[2])]
            key = ".".join(name for _, name in path)
            inside_of_list = any(key.startswith(f"{one}.") for one in chosen)
            matters = inside_of_list or known.get(key, False)
            own = inside_of_list or key in chosen
        else:  # a list, of the key above it
            own = matters
        yield TextLine(f"{mark if own else ' '} {clean(written)}", STRONG if own else DIM, matters)


def parents(keys: set[str]) -> set[str]:
    """Dotted keys, and all they lie in."""
    return {".".join(key.split(".")[: depth + 1]) for key in keys for depth in range(key.count(".") + 1)}


class RecipeScreen(ReadingScreen):
    """The recipe over the dashboard."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "dismiss", show=False, group=LEAVE, tooltip="leave"),
        Binding(
            "d", "unlike", "Not default", id="not-default", group=READING, tooltip="only what is not default, or all"
        ),
    ]

    def __init__(self, folder: RunFolder, glyphs: Glyphs) -> None:
        super().__init__(glyphs, "resolved.yaml", "There is no recipe.")
        self._folder = folder
        self._lines: tuple[Sequence[TextLine], str] | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self.view.action_scroll(1_000_000)

    def read(self) -> tuple[Sequence[TextLine], str]:
        if self._lines is None:
            self._lines = self._read()
        return self._lines

    def _read(self) -> tuple[Sequence[TextLine], str]:
        from acceltui.recipe.differences import flat, unlike_defaults  # pydantic and yaml: 0.15 s
        from acceltui.recipe.errors import RecipeError
        from acceltui.recipe.resolved import dump_resolved, load_resolved

        try:
            recipe = load_resolved(self._folder.resolved)
        except (OSError, RecipeError) as error:
            return [TextLine(clean(text)) for text in str(error).splitlines()], "cannot be read"
        chosen = unlike_defaults(recipe)
        lines = list(recipe_lines(dump_resolved(recipe), chosen, self.glyphs.dot))
        return lines, f"{len(chosen)} of {len(flat(recipe))} values are not the default"

    def to_copy(self) -> tuple[str, str]:
        lines, _ = self.read()
        return "the recipe", "\n".join(one.text[2:] for one in lines)

    def action_unlike(self) -> None:
        """Show only what is not the default, or all."""
        self.view.show_only(not self.view.only)
        self.view.action_scroll(1_000_000)
