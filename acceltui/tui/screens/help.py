"""All keys, over whatever is on the screen."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from acceltui.tui.keys import Line
from acceltui.tui.palette import BLUE


class Help(ModalScreen[None]):
    """A list of the keys; any of ?, F1, Esc, q or Enter closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,f1,q,enter", "dismiss", "Close", show=False)]

    def __init__(self, groups: Mapping[str, Sequence[Line]]) -> None:
        """`groups`: keys and what they do, by what they are about."""
        super().__init__()
        self.groups = groups

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(self._text())

    def _text(self) -> Content:
        lines = [Content.styled("Key bindings", "bold")]
        widest = max((len(keys) for group in self.groups.values() for keys, _ in group), default=0)
        for group, keys in self.groups.items():
            lines.append(Content.styled(group, "dim"))
            lines += [Content.assemble((f" {key:<{widest}} ", f"bold {BLUE}"), what) for key, what in keys]
        return Content("\n").join(lines)
