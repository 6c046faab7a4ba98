"""What the parts of the dashboard tell each other."""

from dataclasses import dataclass, field

from textual.message import Message

from acceltui.runs.folder import RunFolder
from acceltui.tui.catalog import RunLine
from acceltui.tui.sweeps import SweepLine
from acceltui.tui.watch import Snapshot


@dataclass
class RunChanged(Message, bubble=False):
    """A newer look at the run; of several that wait, only the last matters."""

    folder: RunFolder
    snapshot: Snapshot

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, RunChanged)


@dataclass
class RunChosen(Message):
    """The dashboard is to show this run."""

    folder: RunFolder


@dataclass
class RunsListed(Message, bubble=False):
    """A newer look at all runs and at the sweeps that are not over, or why there is none."""

    runs: list[RunLine]
    trouble: str
    sweeps: list[SweepLine] = field(default_factory=list)

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, RunsListed)


@dataclass
class Notice(Message, bubble=False):
    """A line for the person at the keyboard, shown for some seconds in place of the keys."""

    text: str
    urgent: bool = False
