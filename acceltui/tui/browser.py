"""The dashboard in a tab of a browser: a process for each, started by `accel serve`, whose page is the terminal."""

import argparse
import signal
from pathlib import Path

from acceltui.runs.folder import RunFolder
from acceltui.runs.settings import load_settings
from acceltui.tui.app import attach


def main() -> None:
    """Show a run until the tab is closed, or its server ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("runs_root", type=Path)
    parser.add_argument("--control", action="store_true")
    call = parser.parse_args()
    # A server that is gone ends this as a closed pipe ends every Unix program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # What the terminal of the server can show is not what a browser can.
    glyphs = "braille" if load_settings().glyphs == "auto" else None
    attach(RunFolder(call.run), runs_root=call.runs_root, glyphs=glyphs, theme="dark", read_only=not call.control)
