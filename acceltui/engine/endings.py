"""How a stage ends, and how a run may end that was not to."""

from dataclasses import dataclass

from acceltui.engine.monitor import Live
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


def diverged(live: Live, what: str, value: float = float("nan")) -> Diverged:
    """What was no number, when, and what can be gone back to."""
    last = live.checkpoint
    back = "no checkpoint was saved before" if last is None else f"the last good checkpoint is {last['name']}"
    return Diverged(f"{what} is {value} at step {live.step:,}; {back}")


class Unsaved(Exception):
    """A run has come to its end, and no disk takes what it came to. The text is a sentence."""


class Vanished(Exception):
    """The run folder was deleted or moved away."""
