"""All keys, over whatever is on the screen."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from acceltui.tui.palette import BLUE

KEYS = (
    ("This run", ""),
    ("s", "switch to stage online now (asks first)"),
    ("p", "pause, or go on"),
    ("e", "evaluate now"),
    ("c", "write a checkpoint now"),
    ("x", "stop the run, after a checkpoint (asks first)"),
    ("l", "the engine's log; f follows its end"),
    ("Screen", ""),
    ("R", "all runs: Enter attaches, f forks, / filters"),
    ("1 2 3 4", "choose a panel; the same key again enlarges it"),
    ("Tab", "next panel, shift+Tab the one before"),
    ("Enter z", "enlarge the chosen panel, and back"),
    ("up down", "scroll events or log"),
    ("Esc", "one layer back"),
    ("? F1", "this help"),
    ("ctrl+p", "command palette"),
    ("All runs", ""),
    ("space c", "select up to eight, and compare them"),
    ("T n", "tags (+good -bad) and a note"),
    ("s S", "sort by the next column, and the other way round"),
    ("Leave", ""),
    ("q", "detach: the engine goes on (also ctrl+q, ctrl+c)"),
)


class Help(ModalScreen[None]):
    """A list of the keys; any of ?, F1, Esc, q or Enter closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,f1,q,enter", "dismiss", "Close", show=False)]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(self._text())

    def _text(self) -> Content:
        lines = [Content.styled("Key bindings", "bold")]
        for key, what in KEYS:
            lines.append(Content.assemble((f" {key:<9}", f"bold {BLUE}"), what) if what else Content.styled(key, "dim"))
        return Content("\n").join(lines)
