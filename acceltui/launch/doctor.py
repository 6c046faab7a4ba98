"""Whether this machine can run what accel does: checks, each with what was found and what to do about it."""

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from acceltui.launch.call import engine_environment
from acceltui.runs.text import clean
from acceltui.runs.versions import PACKAGES, version
from acceltui.runs.wording import memory

LITTLE_DISK, LITTLE_MEMORY = 5 << 30, 2 << 30
NETWORK = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "fuse.sshfs", "9p", "afs")
LOGIND = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
SECONDS = 120


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str
    state: Literal["ok", "warning", "missing"]
    found: str
    remedy: str = ""
    needed: bool = False
    """By every run."""


def examine(runs: Path) -> list[Check]:
    """All checks, in the order of asking; `runs` is the folder that runs go to."""
    return [
        python(),
        packages(),
        *engine(),
        cores_and_memory(),
        runs_folder(runs),
        terminal(),
        logout(),
    ]


def python() -> Check:
    """The interpreter."""
    return Check("Python", "ok", f"{platform.python_version()}, {sys.executable}", needed=True)


def packages() -> Check:
    """What every run imports, by version; torch is asked of the engine."""
    versions = {name: version(name) for name in PACKAGES if name not in ("torch", "mani_skill")}
    absent = [name for name, number in versions.items() if number is None]
    if absent:
        found, remedy = f"{', '.join(absent)} not installed", "install them again: `make clean setup`"
        return Check("packages", "missing", found, remedy, needed=True)
    return Check("packages", "ok", ", ".join(f"{name} {number}" for name, number in versions.items()), needed=True)


def engine() -> list[Check]:
    """What the engine's libraries find, asked in a process of its own."""
    call = [sys.executable, "-P", "-m", "acceltui.engine.doctor"]
    try:
        asked = subprocess.run(
            call, stdin=subprocess.DEVNULL, capture_output=True, env=engine_environment([]), timeout=SECONDS, check=True
        )
        return [Check(**check) for check in json.loads(asked.stdout)]
    except subprocess.TimeoutExpired:
        found = f"it did not answer in {SECONDS} seconds"
        return [Check("engine", "missing", found, f"try `{' '.join(call)}`", needed=True)]
    except subprocess.CalledProcessError as error:
        printed = error.stderr.decode(errors="replace").splitlines() or ["it printed nothing"]
        found = f"it cannot be started: {clean(printed[-1])}"
        return [Check("engine", "missing", found, f"see all of `{' '.join(call)}`", needed=True)]


def cores_and_memory() -> Check:
    """What a run may use of the machine."""
    cores, available = len(os.sched_getaffinity(0)), psutil.virtual_memory().available
    found = f"{cores} cores, {memory(available)} memory free of {memory(psutil.virtual_memory().total)}"
    if available < LITTLE_MEMORY:
        return Check("machine", "warning", found, "a run may be killed for memory: make its replay smaller")
    return Check("machine", "ok", found)


def runs_folder(runs: Path) -> Check:
    """Where runs go: whether it can be written, and how much fits."""
    there = next(folder for folder in (runs, *runs.parents) if folder.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        remedy = "set ACCEL_RUNS to a folder of yours"
        return Check("runs", "missing", f"{runs} cannot be written", remedy, needed=True)
    free, kind = shutil.disk_usage(there).free, file_system(there)
    found = f"{runs}, {memory(free)} free"
    if kind.startswith(NETWORK):
        found += f", on a network file system ({kind})"
    if free < LITTLE_DISK:
        return Check(
            "runs", "warning", found, "checkpoints of large replays may not fit: set ACCEL_RUNS to a larger disk"
        )
    return Check("runs", "ok", found)


def file_system(folder: Path) -> str:
    """Kind of the file system that holds `folder`, as mounted; empty where that is not known."""
    mounted = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    return next((mounted[parent] for parent in (folder.resolve(), *folder.resolve().parents) if parent in mounted), "")


def terminal() -> Check:
    """What the dashboard has to draw on."""
    if not sys.stdout.isatty():
        return Check("terminal", "ok", "none: `accel run` prints plain lines")
    kind, size = os.environ.get("TERM", ""), shutil.get_terminal_size()
    encoding = sys.stdout.encoding.lower()
    rich = os.environ.get("COLORTERM") in ("truecolor", "24bit")
    colours = (
        "no colours" if os.environ.get("NO_COLOR") else "true colour" if rich else "256" if "256" in kind else "16"
    )
    found = f"{kind or 'TERM is not set'}, {colours}, {encoding}, {size.columns}x{size.lines}"
    if kind in ("", "dumb", "unknown"):
        return Check(
            "terminal", "warning", found, "the dashboard needs one: `export TERM=xterm-256color`, if it is one"
        )
    if encoding.replace("-", "") != "utf8":
        return Check("terminal", "warning", found, "curves are drawn in ASCII; `export LANG=C.UTF-8` for finer ones")
    if size.columns < 80 or size.lines < 24:
        return Check("terminal", "warning", found, "below 80x24 the dashboard shows values, no curves")
    return Check("terminal", "ok", found)


def logout() -> Check:
    """Whether an engine outlives the login that started it.

    logind.conf(5): with KillUserProcesses all of a session's processes end with it, tmux among them; root is excepted
    unless the machine says otherwise. What then survives is a scope of the user's own manager, kept by lingering.
    """
    if not has_systemd():
        return Check("logout", "ok", "runs go on (no systemd here)")
    kills = answer("busctl", "get-property", *LOGIND, "KillUserProcesses") == "b true"
    if not kills or os.geteuid() == 0:
        return Check("logout", "ok", "runs go on")
    remedy = "start runs with `systemd-run --user --scope accel run ...`"
    if answer("loginctl", "show-user", str(os.geteuid()), "--property=Linger", "--value") != "yes":
        remedy = f"once `loginctl enable-linger`; then {remedy}"
    return Check("logout", "warning", "this machine ends all processes of who logs out, tmux too", remedy)


def has_systemd() -> bool:
    """sd_booted(3)."""
    return Path("/run/systemd/system").is_dir()


def answer(*call: str) -> str:
    """What a system tool prints; empty where it is not there or fails."""
    try:
        asked = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return clean(asked.stdout.decode(errors="replace").strip())
