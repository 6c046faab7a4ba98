"""The dashboard of a run whose folder goes away under it."""

import shutil

import pytest
from fake_run import make_run
from test_dashboard import dashboard, shows, until

from acceltui.tui.app import farewell


@pytest.mark.parametrize("how", ["deleted", "renamed"])
async def test_a_folder_that_goes_away_is_said_and_nothing_breaks(tmp_path, how):
    run = make_run(tmp_path, at=0.7)
    path = run.folder.path
    async with dashboard(run) as (app, pilot):
        if how == "deleted":
            shutil.rmtree(path)
        else:
            path.rename(tmp_path / "elsewhere")
        await until(pilot, lambda: shows(app, "FAILED at step 105,000 (folder)"))
        assert "was deleted or moved away" in farewell(run.folder, app.snapshot)
        for key in ("l", "escape", "2", "enter", "p", "c", "s"):
            await pilot.press(key)
            await pilot.pause(0.1)
        assert shows(app, "not sent, the run is FAILED")
        assert app.is_running and not path.exists()
