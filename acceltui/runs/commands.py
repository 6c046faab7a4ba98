"""Commands to a living engine: a file from whoever may write the run folder, and a file back from its engine."""

import contextlib
import errno
import json
import math
import os
import pwd
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from acceltui.runs.files import folder_clock, read_regular, write_whole
from acceltui.runs.folder import RunFolder
from acceltui.runs.status import read_status, this_host

KINDS = frozenset({"switch", "stop", "pause", "unpause", "evaluate", "checkpoint"})
TAKEN = ("taken", "done", "refused", "expired")
SETTLED = ("done", "refused", "expired")
LARGEST_FILE = 64 * 1024
LONGEST_TTL = 7 * 24 * 3600
BATCH = 50
"""Files that one poll looks at: the heartbeat comes from the same thread."""
FILE_NAME = re.compile(r"([0-9A-Za-z-]{1,64})\.json")


@dataclass(frozen=True)
class Command:
    """A request, as read from commands/."""

    id: str
    kind: str
    by: str
    host: str = ""
    attempt: int | None = None
    """The attempt it was meant for; None for any."""
    expected_stage: str | None = None
    """The engine refuses it in another stage: the run moved on while its sender was looking."""
    created: float = 0.0
    ttl_s: float = 60.0
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ack:
    """What the engine made of a command: taken, then done, refused or expired."""

    id: str
    state: str
    reason: str = ""
    step: int = 0
    time: float = 0.0


def send_command(
    folder: RunFolder,
    kind: str,
    *,
    by: str,
    expected_stage: str | None = None,
    ttl_s: float = 60,
    args: dict[str, Any] | None = None,
) -> str:
    """Drop a command into the folder; gives its id, which sorts by time. OSError where one may not write."""
    if folder.commands.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, "it is a link, not a folder", str(folder.commands))
    status = read_status(folder)
    now = time.time()
    command = Command(
        id=f"{time.time_ns():020d}-{os.urandom(4).hex()}",
        kind=kind,
        by=by,
        host=this_host(),
        attempt=status.attempt if status else None,
        expected_stage=expected_stage,
        created=now,
        ttl_s=ttl_s,
        args=args or {},
    )
    write_whole(folder.commands / f"{command.id}.json", json.dumps(asdict(command)).encode())
    return command.id


def requester() -> str:
    """Who asks: user@host."""
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    return f"{user}@{this_host()}"


def withdraw_command(folder: RunFolder, id: str) -> None:
    """Take back a command that nobody took."""
    (folder.commands / f"{id}.json").unlink(missing_ok=True)


def read_ack(folder: RunFolder, id: str) -> Ack | None:
    """The engine's answer so far; None before the first."""
    with contextlib.suppress(OSError, ValueError, TypeError, RecursionError):
        document = json.loads(read_regular(folder.acks / f"{id}.json", LARGEST_FILE)[0])
        return Ack(**{key: document[key] for key in ("id", "state", "reason", "step", "time") if key in document})
    return None


def wait_for_ack(folder: RunFolder, id: str, timeout: float, until: tuple[str, ...] = SETTLED) -> Ack | None:
    """The first answer whose state is in `until`; None when there is none within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        ack = read_ack(folder, id)
        if ack is not None and ack.state in until:
            return ack
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.05)


class CommandInbox:
    """The engine's side: each command comes out of `poll` once; what is no command is refused, what is late expires."""

    def __init__(self, folder: RunFolder, attempt: int | None = None) -> None:
        """`attempt`: commands meant for another attempt have expired."""
        self._folder = folder
        self._attempt = attempt
        self._seen: set[str] = set()
        self._absent: dict[str, float] = {}
        """When, by a clock that nobody sets, a command was not there yet."""
        self._looked = -math.inf

    def poll(self) -> list[Command]:
        """New commands, oldest first, of the next `BATCH` files. Cheap when there is none.

        OSError where the folder cannot be read. What cannot be answered is looked at again by the next call.
        """
        return list(self._new_commands())

    def put_back(self, command: Command) -> None:
        """Have the next poll look at a command again."""
        self._seen.discard(command.id)

    def ack(self, command: Command, state: str, reason: str = "", step: int = 0) -> None:
        """Answer a command; once it is done, refused or expired its file goes."""
        self._answer(command.id, state, reason, step)

    def _new_commands(self) -> Iterator[Command]:
        looking, before = time.monotonic(), self._looked
        with os.scandir(self._folder.commands) as entries:
            matches = [match[1] for entry in entries if (match := FILE_NAME.fullmatch(entry.name))]
        self._looked = looking
        new = sorted(id for id in matches if id not in self._seen)
        for id in new:
            self._absent.setdefault(id, before)
        now = self._clock() if new else 0.0
        for id in new[:BATCH]:
            with contextlib.suppress(OSError):
                command = self._look_at(id, now)
                self._seen.add(id)
                if command is not None:
                    yield command

    def _clock(self) -> float:
        try:
            return folder_clock(self._folder.commands)
        except OSError:  # the disk is full: this host's clock has to do
            return time.time()

    def _look_at(self, id: str, now: float) -> Command | None:
        """The command in a file; None where there is none to obey, which has been answered then."""
        settled = read_ack(self._folder, id)
        if settled is not None and settled.state in SETTLED:
            # An engine died between its answer and the removal: the command has been obeyed.
            self._remove(id)
            return None
        try:
            command, late = self._read(id, now)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self._answer(id, "refused", f"not a command: {getattr(error, 'strerror', None) or error}")
            return None
        if late:
            self._answer(id, "expired", late)
            return None
        return command

    def _read(self, id: str, now: float) -> tuple[Command, str]:
        """The command in a file, and why it is too late, if it is; ValueError when it is none."""
        path = self._folder.commands / f"{id}.json"
        data, status = read_regular(path, LARGEST_FILE)
        if status.st_uid not in (self._folder.path.stat().st_uid, os.geteuid()):
            raise ValueError("its file belongs to another user")
        command = parse_command(data, id)
        # One from the future lay there when the clock was set back. However the clock jumps, no command is older than
        # the last look that did not find it.
        age = min(abs(now - status.st_mtime), time.monotonic() - self._absent[id])
        if age > command.ttl_s:
            return command, f"it lay {age:.0f} s, and was good for {command.ttl_s:g}"
        if None not in (self._attempt, command.attempt) and command.attempt != self._attempt:
            return command, f"it was meant for attempt {command.attempt}, this is {self._attempt}"
        return command, ""

    def _answer(self, id: str, state: str, reason: str = "", step: int = 0) -> None:
        ack = Ack(id=id, state=state, reason=reason, step=step, time=time.time())
        write_whole(self._folder.acks / f"{id}.json", json.dumps(asdict(ack)).encode())
        if state in SETTLED:
            self._remove(id)

    def _remove(self, id: str) -> None:
        # A folder put in a command's place stays; it is never looked at again.
        with contextlib.suppress(IsADirectoryError, PermissionError):
            (self._folder.commands / f"{id}.json").unlink(missing_ok=True)


def parse_command(data: bytes, id: str) -> Command:
    """The command that `data` says; ValueError with a clause when it says none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    fields = Command.__dataclass_fields__
    try:
        command = Command(**{key: document[key] for key in fields if key in document})
    except TypeError:
        raise ValueError("id, kind or by is missing") from None
    if command.id != id:
        raise ValueError("its id is not its file's name")
    for key, types in FIELD_TYPES.items():
        if not isinstance(getattr(command, key), types):
            raise ValueError(f"{key} has the wrong type")
    if command.kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
    if not 0 < command.ttl_s <= LONGEST_TTL:
        raise ValueError(f"ttl_s must be more than 0 and at most {LONGEST_TTL} seconds")
    return command


FIELD_TYPES: dict[str, tuple[type, ...]] = {
    "kind": (str,),
    "by": (str,),
    "host": (str,),
    "attempt": (int, type(None)),
    "expected_stage": (str, type(None)),
    "created": (int, float),
    "ttl_s": (int, float),
    "args": (dict,),
}
