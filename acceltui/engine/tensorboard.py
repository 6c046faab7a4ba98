"""TensorBoard's event files, written in the training thread.

tensorboardX's own writer has a thread that dies on a full disk; its queue fills, and training waits for it forever.
"""

import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import masked_crc32c

from acceltui.runs.files import Appender, make_private_folder
from acceltui.runs.status import this_host


class TensorBoard:
    """One event file of one attempt."""

    def __init__(self, folder: Path, since: int | None) -> None:
        """`since`: the step that a resumed run goes on from; TensorBoard drops what came after it."""
        if not folder.exists():
            make_private_folder(folder, share=bool(folder.parent.stat().st_mode & 0o040))
        self._file = Appender(folder / f"events.out.tfevents.{time.time():010.0f}.{this_host()}.{os.getpid()}")
        self._append(Event(wall_time=time.time(), file_version="brain.Event:2"))
        if since is not None:
            begun = SessionLog(status=SessionLog.START)
            self._append(Event(wall_time=time.time(), step=since + 1, session_log=begun))

    def row(self, step: int, values: Mapping[str, float], when: float) -> None:
        """What was measured at a step. OSError (disk full) leaves the file as it was."""
        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._append(Event(wall_time=when, step=step, summary=Summary(value=scalars)))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, event: Event) -> None:
        # A TFRecord: the length, its checksum, the data, their checksum.
        data = event.SerializeToString()
        length = struct.pack("<Q", len(data))
        checksums = [struct.pack("<I", masked_crc32c(part)) for part in (length, data)]
        self._file.append(length + checksums[0] + data + checksums[1])
