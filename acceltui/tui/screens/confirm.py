"""A question before something that cannot be taken back."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class Confirm(ModalScreen[bool]):
    """True for yes; Cancel has the focus, and Esc, n or anything but a deliberate yes is no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", show=False),
        Binding("n,q", "answer(False)", "No", show=False),
        Binding("escape", "answer(False)", "No", show=False, priority=True),
        Binding("left,right", "app.focus_next", "Other button", show=False),
    ]
    AUTO_FOCUS = "#cancel"

    def __init__(self, title: str, body: str, yes: str) -> None:
        super().__init__()
        self._title, self._body, self._yes = title, body, yes

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(Content(self._title), id="dialog-title")
            yield Static(Content(self._body), id="dialog-body")
            with Horizontal(id="dialog-buttons"):
                yield Button(Content(f"{self._yes} (y)"), id="yes", compact=True)
                yield Button(Content("Cancel (n)"), id="cancel", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """Close with an answer."""
        self.dismiss(yes)
