"""The person's hook, as the engine runs it: started and left to itself."""

import socket
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
        self._running: dict[Event, tuple[subprocess.Popen[bytes], socket.socket]] = {}

    def run(self, event: Event, state: str, step: int, message: str) -> None:
        """Start the hook for an event, where one is wanted."""
        self.say_failures(step)
        if event in self._running:
            return
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            with theirs:
                status = Status(state, step=step)
                process = notify(self._wanted, event, self._folder, status, message, theirs)
        except OSError as error:
            ours.close()
            self._record.event("warning", failed(event, error.strerror or str(error)), step=step)
            return
        if process is None:
            ours.close()
        else:
            self._running[event] = process, ours

    def run_at_end(self, state: str, step: int, error: str) -> None:
        """The same for a run that has come to its last state; hooks that fail from here on say so themselves."""
        if state in EVENT_OF:
            self.run(EVENT_OF[state], state, step, wording.ending(self._folder.name, state, step, error))
        for _, ours in self._running.values():
            ours.shutdown(socket.SHUT_RD)  # what was sent is still received, and nothing can be sent any more
        self.say_failures(step)

    def say_failures(self, step: int) -> None:
        """A warning event for each hook that has failed since the last look."""
        for event, (process, ours) in list(self._running.items()):
            code = process.poll()
            if heard(ours) or code:
                self._record.event("warning", failed(event), step=step)
            if code is not None:
                del self._running[event]
                ours.close()


def heard(ours: socket.socket) -> bool:
    """Whether a hook has said that it failed; once."""
    try:
        return bool(ours.recv(1))
    except BlockingIOError:
        return False
