"""Calls of `accel sweep` and `accel sweeps` that are wrong, and sweeps that cannot go on."""

import json

import pytest
from calling import Accel
from sweeping import GRID, go, of


def test_a_manifest_that_someone_wrote_leads_nowhere_else(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "good")
    folder = of(accel, "good")
    document = json.loads(folder.manifest.read_text())
    document["jobs"][0]["run"] = "../elsewhere"
    folder.manifest.write_text(json.dumps(document))
    for words in (("sweeps", "good"), ("sweep", *GRID, "--name", "good")):
        done = accel(*words)
        assert done.returncode == 2 and "manifest.json cannot be read: jobs.0.run" in done.stderr
    assert accel("sweeps").returncode == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sweep", "nowhere.yaml"], "nowhere.yaml"),
        (["sweep", "small.yaml", "method=scratch,skratch"], "cell method=skratch: override 1: method=skratch"),
        (["sweep", "small.yaml", "env.id=A,"], "not values with commas between them"),
        (["sweep", "small.yaml", "--seeds", "none"], "--seeds none: not a number of seeds"),
        (["sweep", "small.yaml", "--name", "Upper"], "'Upper' cannot name a sweep"),
        (["sweep", "small.yaml", "--name", "../x"], "cannot name a sweep"),
        (["sweep", "small.yaml", "--results", "small.yaml"], "small.yaml is no folder"),
        (["sweep", "small.yaml", "--runs-dir", "small.yaml"], "cannot be made"),
        (["sweep", "small.yaml", "env.id=mine:A-v1"], "--allow-import"),
        (["sweeps", "nothing"], "No sweep in"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(accel: Accel, words: list[str], says: str) -> None:
    done = accel(*words)
    assert done.returncode == 2
    assert says in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stdout == ""
    assert [path.name for path in accel.folder.iterdir()] == ["small.yaml"]


@pytest.mark.parametrize(
    "words",
    [["sweep", "small.yaml", "--workers", "0"], ["sweep"], ["sweeps", "--stop"], ["sweeps", "--json", "--plain"]],
)
def test_a_wrong_call_exits_with_2(accel: Accel, words: list[str]) -> None:
    assert accel(*words).returncode == 2


def test_an_environment_that_there_is_not_is_found_before_anything_is_made(accel: Accel) -> None:
    done = accel("sweep", *GRID, engine="wrong")
    assert done.returncode == 2
    assert "env.id: no such environment; try Pendulum-v1" in done.stderr and len(done.stderr.splitlines()) == 1
    assert [path.name for path in accel.folder.iterdir()] == ["small.yaml"]


def test_another_grid_is_refused_under_a_name_that_is_taken(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "taken")
    before = of(accel, "taken").manifest.read_bytes()
    for words in (["small.yaml", "--seeds", "2"], [*GRID[:-1], "3"], ["pendulum_quick", *GRID[1:]]):
        done = accel("sweep", *words, "--name", "taken")
        assert done.returncode == 2
        assert "The sweep taken is of another grid, `accel sweep small.yaml method=" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert of(accel, "taken").manifest.read_bytes() == before


def test_what_has_ended_cannot_be_stopped(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "ended")
    done = accel("sweeps", "ended", "--stop")
    assert (done.returncode, done.stderr) == (3, "ended is over: there is nothing to stop.\n")


def test_a_result_that_cannot_be_written_is_a_warning(accel: Accel) -> None:
    accel("sweep", *GRID, "--name", "kept", "--workers", "1", "--detach", engine="hold")
    (accel.folder / "results").write_text("in the way")
    go(accel)
    done = accel("sweeps", "kept")
    assert done.returncode == 0 and "4 of 4 finished" in done.stdout
    assert of(accel, "kept").log.read_text().count("warning: the result of kept-") == 4
    (accel.folder / "results").unlink()
    assert accel("sweep", *GRID, "--name", "kept").returncode == 0
    assert len(list((accel.folder / "results").iterdir())) == 4
