"""All keys, over whatever is on the screen."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from acceltui.tui.keys import Line


class Help(ModalScreen[None]):
    """A list of the keys; any of ?, F1, Esc, q or Enter closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,f1,q,enter", "dismiss", "Close", show=False)]

    def __init__(self, groups: Mapping[str, Sequence[Line]]) -> None:
        """`groups`: keys and what they do, by what they are about."""
        super().__init__()
        self.groups = groups

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(self._table())

    def _table(self) -> Table:
        """Two columns, so that what a key does goes on below its beginning."""
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(no_wrap=True)
        table.add_column(ratio=1)
        key = Style(color=self.app.current_theme.primary, bold=True)
        quiet = Style(dim=True)
        table.add_row(Text("Key bindings", Style(bold=True)), Text("Esc closes", quiet, justify="right"))
        for group, lines in self.groups.items():
            table.add_row(Text(group, quiet))
            for keys, what in lines:
                table.add_row(Text(f" {keys}", key), Text(what))
        return table
