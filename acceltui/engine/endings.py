"""How a stage ends, and how a run may end that was not to."""

from dataclasses import dataclass

from acceltui.runs.commands import Command


@dataclass(frozen=True)
class Leaving:
    """Why a stage was left: `budget`, `rule`, `switch` (a command), `stop` (a command) or `preempt` (a signal)."""

    why: str
    by: str
    message: str = ""
    command: Command | None = None

    @property
    def switches(self) -> bool:
        """Whether stage online comes next."""
        return self.why in ("budget", "rule", "switch")


class Diverged(Exception):
    """Training has come to what is no number. The text is a sentence."""


class Unsaved(Exception):
    """A run has come to its end, and no disk takes what it came to. The text is a sentence."""


class Vanished(Exception):
    """The run folder was deleted or moved away."""
