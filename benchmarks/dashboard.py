"""What the dashboard costs: bytes, processor, memory, and time until something is seen, in a pseudo-terminal.

    python benchmarks/dashboard.py --out benchmarks/results/dashboard.json
    python benchmarks/dashboard.py --only steady,keys --seconds 20

The terminal is real, and of 120x40. Runs are written by `tests/tui/fake_run.py`, but for one that an engine trains
meanwhile. Sections that are not asked for keep in `--out` what they had there.
"""

import argparse
import asyncio
import contextlib
import importlib.metadata
import json
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from bench import Bench
from detached import eventually
from figures import rounded
from histories import measured
from keys import ESCAPE, LEFT, delays
from redraw import redraws
from rich.console import Console
from rich.table import Table
from terminal import text

from acceltui.runs.outcome import processor

MB = 1e6
DAY = 24 * 60 * 60
VIEWS = (*"vvvvttmmmi", LEFT, "i", "+", LEFT, *"0zz2vvvvyy3zz4zz1R", ESCAPE, "l", ESCAPE, "r", ESCAPE, "?", ESCAPE)
"""Keys that go through all that there is to see."""


@dataclass(frozen=True)
class Figure:
    """Something measured, and what it may be at most; no goal where it only stands beside others."""

    what: str
    value: float
    unit: str
    goal: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is; None without one."""
        return None if self.goal is None else self.value <= self.goal


def steady(bench: Bench) -> list[Figure]:
    """Training goes on, a row a second or more: a written run, and an engine in both of its stages."""
    (fake,) = bench.written("--rows", "3000", "--live", "600", "--rows-per-second", "1")
    real = bench.real()
    found = {}
    for kind, run in (("written", fake), ("engine, stage 1", real), ("engine, stage 2", real)):
        if kind == "engine, stage 2":
            code, printed = bench.accel.call("switch", "real")
            assert code == 0, printed
            eventually(lambda: measured(real.metrics)[-1]["stage"] == "online", "stage online")
        found |= bench.watch({kind: (run, ""), f"{kind}, low bandwidth": (run, "--low-bandwidth")})
    bench.raw = found
    figures = []
    for name, one in found.items():
        figures.append(Figure(f"{name}: sent", one["bytes a second"] / 1e3, "kB/s", 1 if "low" in name else 8))
        figures.append(Figure(f"{name}: processor", 100 * one["share of a core"], "%", 5))
    return figures


def idle(bench: Bench) -> list[Figure]:
    """Nothing happens: a finished run, and an engine that pauses."""
    (finished,) = bench.written("--rows", "3000", "--at", "1", "--state", "FINISHED")
    real = bench.real()
    bench.pause()
    found = bench.watch({"finished": (finished, ""), "paused": (real, "")})
    bench.raw = found
    figures = []
    for name, one in found.items():
        figures.append(Figure(f"{name}: sent", one["bytes a second"] / 1e3, "kB/s", 0.3))
        figures.append(Figure(f"{name}: processor", 100 * one["share of a core"], "%", 1))
    return figures


def memory(bench: Bench) -> list[Figure]:
    """A day of rows as an engine writes them, one a second, after a look at everything."""
    real = bench.real()
    eventually(lambda: any("transformer/return" in row for row in measured(real.metrics)), "an evaluation")
    bench.pause()
    columns = sorted({name for row in measured(real.metrics) for name in row})
    run = bench.long(real, DAY)
    terminal = bench.attach(run, keep=False)
    process = psutil.Process(terminal.process.pid)
    eventually(lambda: is_still(process), "the history is read")
    taken = {"before": sizes(process)}
    for key in VIEWS:
        terminal.press(key)
        time.sleep(0.7)
    taken["after"] = sizes(process)
    assert terminal.leave() == 0
    bench.raw = {"rows": DAY, "columns": columns, "bytes of metrics": run.metrics.stat().st_size, **taken}
    after = taken["after"]
    return [
        Figure("peak", after["peak"] / MB, "MB", 120),
        Figure("unique", after["uss"] / MB, "MB"),
        Figure("columns of a row", len(columns), ""),
    ]


def is_still(process: psutil.Process) -> bool:
    """Whether it does next to nothing."""
    before = sum(process.cpu_times()[:2])
    time.sleep(2)
    return sum(process.cpu_times()[:2]) - before < 0.1


def sizes(process: psutil.Process) -> dict[str, int]:
    """Bytes of memory."""
    full = process.memory_full_info()
    line = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "VmHWM" in line)
    return {"peak": 1024 * int(line.split()[1]), "rss": full.rss, "uss": full.uss}


def redraw(bench: Bench) -> list[Figure]:
    """All plots again when a row has come, after 200,000 rows and after 2,000."""
    (short,) = bench.written("--rows", "300", "--at", "1", "--state", "FINISHED")
    runs = {"2k": bench.long(short, 2_000), "200k": bench.long(short, 200_000)}
    row = next(row for row in reversed(measured(short.metrics)) if "transformer/return" in row)
    found = asyncio.run(redraws(runs, row, 100))
    bench.raw = {look: {name: spread(values) for name, values in one.items()} for look, one in found.items()}
    figures = []
    for look, one in found.items():
        few, many = (statistics.median(one[name]) for name in ("2k", "200k"))
        figures.append(Figure(f"{look}, 200k rows", many, "ms"))
        figures.append(Figure(f"{look}, 200k against 2k rows", many / few, "x", 1.5))
    return figures


def keys(bench: Bench) -> list[Figure]:
    """From a key to the first screen that shows what it does, while two rows a second come."""
    (run,) = bench.written("--rows", "3000", "--live", "600", "--rows-per-second", "2")
    terminal = bench.attach(run)
    terminal.shows(lambda screen: "4 Events" in text(screen), "the dashboard")
    time.sleep(2)
    found = delays(terminal, rounds=max(round(bench.seconds / 15), 1))
    assert terminal.leave() == 0
    every = [delay for one in found.values() for delay in one]
    bench.raw = {name: spread(values) for name, values in found.items()} | {"all": spread(every)}
    slowest = max(found, key=lambda name: statistics.median(found[name]))
    return [
        Figure("all keys, median", statistics.median(every), "ms"),
        Figure("all keys, p95", percentile(every, 0.95), "ms", 150),
        Figure(f"slowest: {slowest}, median", statistics.median(found[slowest]), "ms"),
    ]


def paint(bench: Bench) -> list[Figure]:
    """`accel attach` to the screen that changes no more, of 20,000 rows; files were read before."""
    (short,) = bench.written("--rows", "300", "--at", "1", "--state", "FINISHED")
    run = bench.long(short, 20_000)
    whole, first = [], []
    for number in range(11):
        terminal = bench.attach(run)
        time.sleep(3)
        seen = [(when - terminal.began, text(screen)[120:]) for when, screen in terminal.screens()]
        assert terminal.leave() == 0
        if number:
            last_change = max(at for at, (_, shown) in enumerate(seen) if at == 0 or shown != seen[at - 1][1])
            whole.append(1e3 * seen[last_change][0])
            first.append(1e3 * seen[0][0])
    bench.raw = {"whole": spread(whole), "first bytes": spread(first)}
    return [
        Figure("whole picture, median", statistics.median(whole), "ms", 1000),
        Figure("whole picture, slowest of 10", max(whole), "ms"),
    ]


def help(bench: Bench) -> list[Figure]:
    """`accel --help`, beside an interpreter that does nothing."""
    commands = {"accel --help": ["-m", "acceltui", "--help"], "python -c pass": ["-c", "pass"]}
    took: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(21):
        for name, words in commands.items():
            began = time.monotonic()
            subprocess.run([sys.executable, *words], env=bench.accel.environment, stdout=subprocess.PIPE, check=True)
            if number:
                took[name].append(1e3 * (time.monotonic() - began))
    bench.raw = {name: spread(values) for name, values in took.items()}
    return [
        Figure(f"{name}, median", statistics.median(values), "ms", 150 if "help" in name else None)
        for name, values in took.items()
    ]


def runs(bench: Bench) -> list[Figure]:
    """The list of runs: of 500 until they are there, of 36 that all go on."""
    many, living = bench.folder / "many", bench.folder / "living"
    for _ in range(5):  # a writer holds two files of each
        *_, run = bench.written("--runs", "100", "--rows", "10", "--at", "1", "--state", "FINISHED", root=many)
    terminal = bench.attach(run)
    opened = []
    terminal.shows(lambda screen: "4 Events" in text(screen), "the dashboard")
    for _ in range(10):
        time.sleep(0.5 + random.random())
        terminal.screen()  # what came before is not what is waited for
        pressed = terminal.press("R")
        came = terminal.shows(lambda screen: " 500, " in text(screen), "the list")
        opened.append(1e3 * (came - pressed))
        time.sleep(0.3)
        terminal.press(ESCAPE)
        terminal.shows(lambda screen: "4 Events" in text(screen), "the dashboard again")
    assert terminal.leave() == 0
    options = ("--runs", "36", "--live", "600", "--rows-per-second", "1", "--rows", "3000", "--at", "0.3")
    *_, run = bench.written(*options, root=living)
    found = bench.watch({"36 living": (run, ""), "36 living, low bandwidth": (run, "--low-bandwidth")}, keys="R")
    bench.raw = {"500 opened": spread(opened), **found}
    one = found["36 living"]
    return [
        Figure("500 runs listed, median", statistics.median(opened), "ms", 500),
        Figure("500 runs listed, slowest of 10", max(opened), "ms"),
        Figure("36 living: sent", one["bytes a second"] / 1e3, "kB/s", 8),
        Figure("36 living: processor", 100 * one["share of a core"], "%", 5),
        Figure("36 living, low: sent", found["36 living, low bandwidth"]["bytes a second"] / 1e3, "kB/s", 1),
    ]


SECTIONS: dict[str, Callable[[Bench], list[Figure]]] = {
    "steady": steady,
    "idle": idle,
    "memory": memory,
    "redraw": redraw,
    "keys": keys,
    "paint": paint,
    "help": help,
    "runs": runs,
}


def machine() -> dict[str, Any]:
    """What it was measured on."""
    versions = {name: importlib.metadata.version(name) for name in ("textual", "rich", "numpy", "typer")}
    return {"processor": processor(), "cores": os.cpu_count(), "python": platform.python_version(), **versions}


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of them lies."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def spread(values: list[float]) -> dict[str, float]:
    """Of many values, a few."""
    return {
        "median": statistics.median(values),
        "p95": percentile(values, 0.95),
        "max": max(values),
        "min": min(values),
        "n": len(values),
    }


def measure(names: list[str], seconds: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those sections, one after the other."""
    with tempfile.TemporaryDirectory(prefix="dashboard-") as folder:
        bench = Bench(Path(folder), seconds)
        try:
            for name in names:
                print(name, flush=True)  # whoever runs this sees that it does
                started = {"date": time.strftime("%Y-%m-%d %H:%M:%S"), "load": os.getloadavg()[0], "seconds": seconds}
                with contextlib.ExitStack() as bench.ends:
                    figures = SECTIONS[name](bench)
                told = [{**vars(figure), "met": figure.met} for figure in figures]
                yield name, {**started, "figures": told, "raw": bench.raw}
        finally:
            bench.accel.kill_all()


def write(path: Path, found: dict[str, Any]) -> None:
    """Put what was found beside what is there."""
    known = json.loads(path.read_text())["sections"] if path.exists() else {}
    sections = {name: (known | found)[name] for name in SECTIONS if name in known | found}
    path.write_text(json.dumps(rounded({"machine": machine(), "sections": sections}), indent=1) + "\n")


def show(sections: dict[str, Any]) -> None:
    """A table."""
    table = Table("", "", "measured", "goal", "")
    for name, section in sections.items():
        for number, one in enumerate(section["figures"]):
            goal = "" if one["goal"] is None else f"{one['goal']:g} {one['unit']}"
            met = {None: "", True: "met", False: "MISSED"}[one["met"]]
            what = "" if number else name
            table.add_row(what, one["what"], f"{one['value']:.4g} {one['unit']}", goal, met)
    Console().print(table)


def main() -> int:
    """Measure, print, write; exit code 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas between")
    parser.add_argument("--seconds", type=float, default=60, help="of what is watched for a while")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that whoever ends this leaves no engine behind
    names = options.only.split(",")
    if unknown := [name for name in names if name not in SECTIONS]:
        parser.error(f"there is no section {unknown[0]!r}: there are {', '.join(SECTIONS)}")
    found: dict[str, Any] = {}
    for name, section in measure(names, options.seconds):
        found[name] = section
        if options.out:
            write(options.out, found)
    show(found)
    return 0 if all(one["met"] is not False for section in found.values() for one in section["figures"]) else 1


if __name__ == "__main__":
    sys.exit(main())
