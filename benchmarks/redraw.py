"""What it costs to draw the dashboard again when a row has come, by the length of the history before it."""

import asyncio
import time
from dataclasses import replace
from typing import Any

from terminal import COLUMNS, ROWS

from acceltui.runs.folder import RunFolder
from acceltui.tui.app import AccelApp
from acceltui.tui.glyphs import BRAILLE

LOOKS: dict[str, dict[str, Any]] = {
    "over steps": {},
    "smoothed": {"smoothing": 0.6},
    "over time": {"seconds": True},
}
"""Ways to see the curves."""


class Drawn:
    """A dashboard in Textual's headless terminal, which draws when it is told to."""

    def __init__(self, folder: RunFolder, row: dict[str, Any]) -> None:
        """`row`: what comes again and again after the run's history."""
        self.app = AccelApp(folder, BRAILLE)
        self.row = row
        self._asked: asyncio.Queue[str | None] = asyncio.Queue()
        self._took: asyncio.Queue[float] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        # Each in a task of its own: Textual knows by the task which application is meant.
        async with self.app.run_test(size=(COLUMNS, ROWS)) as pilot:
            while self.app.snapshot is None or self.app.snapshot.read < 1:
                await pilot.pause(0.2)
            while look := await self._asked.get():
                self._took.put_nowait(self._redraw(look))
                await pilot.pause()

    def _redraw(self, look: str) -> float:
        app, dashboard = self.app, self.app.dashboard
        assert app.snapshot is not None
        history, shown = app.snapshot.history, dashboard.snapshot
        assert shown is not None
        wanted = replace(dashboard.look, **{"smoothing": 0.0, "seconds": False} | LOOKS[look])
        if wanted != dashboard.look:
            dashboard.look_again(wanted)
        self.row |= {"step": history.step, "time": self.row["time"] + 1}
        began = time.thread_time()
        history.extend([self.row])
        dashboard.take(replace(shown, rows=shown.rows + 1))
        return 1e3 * (time.thread_time() - began)

    async def redraw(self, look: str) -> float:
        """One more row; milliseconds of a core until it is drawn."""
        self._asked.put_nowait(look)
        took = asyncio.create_task(self._took.get())
        await asyncio.wait([took, self._task], return_when=asyncio.FIRST_COMPLETED)
        return await took if took.done() else await self._task or 0.0

    async def close(self) -> None:
        """Leave."""
        self._asked.put_nowait(None)
        await self._task


async def redraws(folders: dict[str, RunFolder], row: dict[str, Any], rounds: int) -> dict[str, dict[str, list[float]]]:
    """By look and by name of the run, the milliseconds of each redraw; the runs take turns."""
    drawn = {name: Drawn(folder, dict(row)) for name, folder in folders.items()}
    taken: dict[str, dict[str, list[float]]] = {look: {name: [] for name in drawn} for look in LOOKS}
    for look in LOOKS:
        for number in range(rounds + 5):
            for name, one in drawn.items():
                took = await one.redraw(look)
                if number >= 5:  # the first make the columns anew
                    taken[look][name].append(took)
    for one in drawn.values():
        await one.close()
    return taken
