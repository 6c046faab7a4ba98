"""Histories as long as nobody writes in a test: rows made by the line, without an engine."""

import json
import sys
from pathlib import Path

TEXT = '"stage":"online","time":1.8e9,' + ",".join(
    f'"{name}":{value}'
    for name, value in {
        "loss/actor": -61.25303,
        "speed/steps": 58.30122,
        "speed/updates": 57.12908,
        "replay/size": 20000,
        "replay/capacity": 20000,
        "windows/size": 50000,
        "windows/capacity": 50000,
        "steps/evaluation": 12500,
        "steps/clone": 0,
        "steps/total": 162500,
        "transformer/return": 3021.125,
        "transformer/std": 212.5,
        "transformer/episodes": 5,
    }.items()
)
PEAK_AT, PEAK = 1234, 5000.0
"""One row whose `loss/critic` stands far above all others."""


def write_history(path: Path, size: int) -> int:
    """Write at least `size` bytes of rows, whose critic loss falls but for one row; gives the last step."""
    row = 0
    with path.open("w") as file:
        while file.tell() < size or row <= PEAK_AT:
            for row in range(row + 1, row + 1001):  # noqa: B020 - counts on
                loss = PEAK if row == PEAK_AT else 1000 / row
                file.write(f'{{"seq":{row},"attempt":1,"step":{row},{TEXT},"loss/critic":{loss:.9f}}}\n')
    return row


def main() -> None:
    """Watch a run's whole history as the dashboard does; print what a test asks of it."""
    from acceltui.runs.folder import RunFolder
    from acceltui.tui.watch import Watch

    watch = Watch(RunFolder(Path(sys.argv[1])))
    before = peak()
    snapshot = watch.poll()
    first = peak()
    shares = [snapshot.read]
    while snapshot.read < 1:
        snapshot = watch.poll()
        shares.append(snapshot.read)
    steps, values = snapshot.history.view("loss/critic")
    print(
        json.dumps(
            {
                "last": [steps[-1], values[-1]],
                "highest": [steps[values.argmax()], values.max()],
                "rows": snapshot.rows,
                "points": len(steps),
                "shares": shares,
                "memory": [before, first, peak()],
            }
        )
    )


def peak() -> int:
    """Bytes of memory this process has taken at most; getrusage begins with those of the test that started it."""
    told = Path("/proc/self/status").read_text()
    return int(told.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main()
