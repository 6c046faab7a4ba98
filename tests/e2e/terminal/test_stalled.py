"""A real engine that is stopped, goes on, and is killed."""

import os
import signal
from contextlib import closing

from acceltui.runs.liveness import STALE_AFTER
from acceltui.runs.status import read_status
from tests.e2e.conftest import ACCEL, Runs, eventually
from tests.e2e.terminal.screen import Terminal


def test_a_stopped_engine_is_called_stalled_until_it_goes_on_and_crashed_once_killed(runs: Runs) -> None:
    run = runs.start("accelerator.steps=1000000", "switch=null", "engine.threads=1")
    status = eventually(lambda: (s := read_status(run)) and s.step > 0 and s, 60)
    with closing(Terminal([*ACCEL, "attach"], runs.folder)) as terminal:
        terminal.wait_for("RUNNING", 20)
        os.kill(status.pid, signal.SIGSTOP)
        terminal.wait_for("STALLED", STALE_AFTER + 10)
        terminal.wait_for(f"kill -CONT {status.pid}", 5)
        assert "STALLED" in runs.call("status").stdout
        terminal.press("p")
        terminal.wait_for("not sent, the run is STALLED", 5)

        os.kill(status.pid, signal.SIGCONT)
        terminal.wait_for(lambda: "RUNNING" in terminal.text and "STALLED" not in terminal.text, 20)
        step = runs.step()
        eventually(lambda: runs.step() > step, 20)

        os.kill(status.pid, signal.SIGKILL)
        terminal.wait_for(f"(pid {status.pid}) is gone", 10)
        assert "CRASHED" in terminal.screen.display[0]
