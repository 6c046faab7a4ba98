"""Ten million steps in 200,000 rows, of which two resumes took some back."""

import asyncio

import numpy as np
from fake_run import FakeRun
from test_dashboard import dashboard, screen_text, shows, until

from acceltui.runs.paths import create_run_folder
from acceltui.runs.wording import value
from acceltui.tui.screens.help import Help
from acceltui.tui.screens.log import LogScreen

EVERY, LAST = 50, 10_000_000
ATTEMPTS = ((0, 4_000_000), (3_500_000, 8_000_000), (7_000_000, LAST))
"""Steps at which each attempt began and ended."""


def critic(step: int, attempt: int) -> float:
    return 1000 * attempt + 100 * np.exp(-step / LAST)


def write(run: FakeRun) -> None:
    with run.folder.metrics.open("w") as file:
        for attempt, (begin, end) in enumerate(ATTEMPTS, 1):
            if begin:
                file.write(f'{{"rewind_to":{begin},"attempt":{attempt}}}\n')
            for step in range(begin + EVERY, end + 1, EVERY):
                file.write(
                    f'{{"seq":{step},"attempt":{attempt},"step":{step},"stage":"online","time":{1.8e9 + step / 100},'
                    f'"loss/critic":{critic(step, attempt):.4f},"transformer/return":{step / 1000}}}\n'
                )
    run.row = run.rows
    run.beat(attempt=len(ATTEMPTS))


async def test_it_is_painted_first_read_whole_and_shown_at_any_zoom(tmp_path):
    run = FakeRun(create_run_folder(tmp_path, "long", 1), rows=LAST // EVERY, budget=LAST)
    write(run)
    async with dashboard(run) as (app, pilot):
        assert "reading history" in screen_text(app)[0] and shows(app, "10M") and shows(app, "1 Return")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        await pilot.press("escape", "l")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.dashboard)
        while app.snapshot.read < 1:
            await asyncio.sleep(0.1)
        await until(pilot, lambda: shows(app, f"critic {value(critic(LAST, 3))}") and shows(app, "transformer 10,000"))

        steps, values = app.snapshot.history.view("loss/critic")
        assert steps[-1] == LAST and (np.diff(steps) > 0).all()
        for attempt, (begin, _) in enumerate(ATTEMPTS, 1):
            end = ATTEMPTS[attempt][0] if attempt < len(ATTEMPTS) else LAST
            part = values[(steps > begin) & (steps <= end)]
            assert len(part) > 100 and (part // 1000 == attempt).all(), "what was taken back is gone"

        await pilot.press("0", *["plus"] * 6)
        await until(pilot, lambda: app.dashboard.look.window is not None)
        first, last = app.dashboard.look.shown
        assert last - first < LAST / 10
        await pilot.press("left", "left")
        await until(pilot, lambda: app.dashboard.look.shown[0] < first)
        await pilot.press("i")
        await until(pilot, lambda: app.dashboard.look.at is not None)
        at = app.dashboard.look.at
        await until(pilot, lambda: shows(app, f"transformer {value(at / 1000)[:2]}"))
        await pilot.press("escape", "0")
        await until(pilot, lambda: app.dashboard.look.window is None)
