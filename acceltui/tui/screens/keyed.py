"""What all screens have in common: keys that are explained, a line for notices, something to copy."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from acceltui.tui.keys import SCREEN, WRITING, bindings_of, explained
from acceltui.tui.screens.help import Help
from acceltui.tui.widgets.keys import KeyLine


class KeyedScreen(Screen[None]):
    """A screen with a key line at its foot."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("Y", "copy", show=False, id="copy", group=SCREEN, tooltip="copy what the screen is about (OSC 52)"),
        Binding("question_mark,f1", "help", "Help", id="help", group=SCREEN, tooltip="this help"),
    ]

    def __init__(self, read_only: bool = False) -> None:
        """`read_only`: without the keys that write."""
        super().__init__()
        self.read_only = read_only

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        return not (self.read_only and action in WRITING)

    def to_copy(self) -> tuple[str, str]:
        """What there is to copy, in a few words and as such; neither where there is nothing."""
        raise NotImplementedError

    def say(self, text: str, *, urgent: bool = False) -> None:
        """Show a notice for some seconds in place of the keys."""
        self.query_one(KeyLine).say(text, urgent=urgent)

    def action_copy(self) -> None:
        """Give what the screen is about to the terminal's clipboard. Whether it takes it, no terminal says."""
        what, text = self.to_copy()
        if text:
            self.app.copy_to_clipboard(text)
            self.say(f"sent to the terminal's clipboard: {what}")

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help(explained(bindings_of(self))))
