"""The person's hook, as the engine runs it: started and left to itself."""

import subprocess

from acceltui.engine.record import Record
from acceltui.runs import wording
from acceltui.runs.folder import RunFolder
from acceltui.runs.hook import failed
from acceltui.runs.notify import EVENT_OF, hook_of_environment, notify
from acceltui.runs.settings import Event
from acceltui.runs.status import Status


class Hooks:
    """Starts the hook that this process was given, at most one at a time for each event."""

    def __init__(self, folder: RunFolder, record: Record) -> None:
        self._folder, self._record = folder, record
        self._wanted = hook_of_environment()
        self._running: dict[Event, subprocess.Popen[bytes]] = {}

    def run(self, event: Event, state: str, step: int, message: str) -> None:
        """Start the hook for an event, where one is wanted."""
        self.say_failures(step)
        if event in self._running:
            return
        try:
            process = notify(self._wanted, event, self._folder, Status(state, step=step), message)
        except OSError as error:
            self._record.event("warning", failed(event, error.strerror or str(error)), step=step)
            return
        if process is not None:
            self._running[event] = process

    def run_at_end(self, state: str, step: int, error: str) -> None:
        """The same for a run that has come to its last state."""
        if state in EVENT_OF:
            self.run(EVENT_OF[state], state, step, wording.ending(self._folder.name, state, step, error))

    def say_failures(self, step: int) -> None:
        """A warning event for each hook that has failed since the last look."""
        for event, process in list(self._running.items()):
            code = process.poll()
            if code is not None:
                del self._running[event]
            if code:
                self._record.event("warning", failed(event), step=step)
