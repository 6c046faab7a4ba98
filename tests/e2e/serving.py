"""`accel serve` on a run that goes on by itself, with a visitor's view of it."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.e2e.conftest import ACCEL

FAKE_RUN = Path(__file__).parents[1] / "tui" / "fake_run.py"


def start_run(root: Path, *words: str) -> tuple[subprocess.Popen[str], Path]:
    """A run in stage accelerate, written by a process that takes commands; and its folder."""
    call = [sys.executable, str(FAKE_RUN), str(root), "--at", "0.2", "--live", "600", *words]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


@dataclass
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    said: str
    """Up to and with its address."""

    @classmethod
    def start(cls, root: Path, *words: str) -> "Server":
        call = [*ACCEL, "serve", "--runs-dir", str(root), "--port", "0", *words]
        process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = ""
        assert process.stdout is not None
        while not re.search(r"http://\S+\n", said):
            line = process.stdout.readline()
            assert line, said
            said += line
        return cls(process, said)

    @property
    def address(self) -> str:
        found = re.search(r"http://\S+", self.said)
        assert found
        return found[0]

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    @property
    def path(self) -> str:
        """The part of the address that is secret."""
        return urlsplit(self.address).path

    def get(self, path: str, headers: Mapping[str, str] = {}) -> tuple[int, Mapping[str, str], str]:
        """What comes back: status, headers, text."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        connection.close()
        return answer.status, answer.headers, text  # type: ignore[return-value]

    def tabs(self) -> list[psutil.Process]:
        """Processes of dashboards that are open."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, by: int = signal.SIGINT) -> int:
        """End it as a person or a batch system does; gives its exit code."""
        self.process.send_signal(by)
        return self.process.wait(60)


def commands_of(run: Path) -> list[str]:
    """Kinds of all commands that a run was ever sent, by its events."""
    events = map(json.loads, (run / "events.jsonl").read_text().splitlines())
    waiting = [json.loads(file.read_text())["kind"] for file in (run / "commands").glob("*.json")]
    return waiting + [event["message"].split()[0] for event in events if event["kind"] == "command"]


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill(process: subprocess.Popen[str]) -> None:
    """End a process that a test left, with those it started."""
    if process.poll() is None:
        for one in psutil.Process(process.pid).children(recursive=True):
            os.kill(one.pid, signal.SIGKILL)
        process.kill()
    process.wait()
