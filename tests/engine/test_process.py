"""Whole runs of the engine's process: what lies in the folder afterwards, and how it takes signals and commands."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from engine_process import engine, engine_command, events, new_run, rows, status_of, until
from engine_recipes import small

from acceltui.runs.commands import read_ack, send_command, wait_for_ack
from acceltui.runs.folder import RunFolder
from acceltui.runs.progress import PARTS

Finished = tuple[RunFolder, subprocess.CompletedProcess[str]]
EPISODE = 20
"""Steps of an episode of the small recipe; an evaluation has two."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run of 120 steps in stage accelerate and 80 in stage online, evaluated every 40."""
    root = tmp_path_factory.mktemp("runs")
    folder = new_run(root, small(log={"tensorboard": True}))
    return folder, engine("run", folder.path, cwd=root)


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Callable[..., tuple[RunFolder, subprocess.Popen[bytes]]]]:
    """Starts an engine that has millions of steps before it; gives its folder when it trains."""
    started = []

    def start(**changes: Any) -> tuple[RunFolder, subprocess.Popen[bytes]]:
        budgets = {"accelerator": {"steps": 10_000_000}, "online": {"steps": 10_000_000}, "log": {"every": 5}}
        folder = new_run(tmp_path, small(**budgets | changes))
        with folder.log.open("wb") as log:
            command = engine_command("run", folder.path)
            # Whoever runs the tests may ignore hangups, and what is ignored is inherited.
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
            )
        started.append(process)
        until(lambda: status_of(folder).step > 40 or process.poll() is not None)
        assert process.poll() is None, folder.log.read_text()
        return folder, process

    yield start
    for process in started:
        process.kill()
        process.wait()


def manifests(folder: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(folder.checkpoints.glob("*/manifest.json"))]


def test_a_run_ends_finished(finished: Finished) -> None:
    folder, done = finished
    assert (done.returncode, done.stderr) == (0, "")
    status = status_of(folder)
    assert (status.state, status.stage, status.step, status.error) == ("FINISHED", "online", 200, None)
    assert status.progress["accelerate"] == {"steps": 120, "of": 120}
    assert status.progress["online"] == {"steps": 80, "of": 80}
    assert status.progress["switch_step"] == 120
    assert [event["step"] for event in events(folder, "switch")] == [120]
    assert [event["by"] for event in events(folder, "switch")] == ["budget"]
    assert [event["step"] for event in events(folder, "finish")] == [200]


def test_rows_fall_on_multiples_of_log_every_and_are_numbered(finished: Finished) -> None:
    folder, _ = finished
    written = rows(folder)
    assert [row["seq"] for row in written] == list(range(len(written)))
    trained = [row for row in written if "speed/steps" in row]
    assert [row["step"] for row in trained] == list(range(20, 201, 20))
    assert [row["stage"] for row in trained] == ["accelerate"] * 6 + ["online"] * 4
    steps = [row["step"] for row in written]
    assert steps == sorted(steps)
    assert all(step % 20 == 0 for step in steps)


def test_every_measurement_has_its_name(finished: Finished) -> None:
    folder, _ = finished
    named: dict[str, set[str]] = {"accelerate": set(), "online": set()}
    for row in rows(folder):
        named[row["stage"]] |= row.keys()
    common = {f"transformer/{what}" for what in ("return", "std", "episodes")}
    common |= {f"loss/{what}" for what in ("critic", "actor", "clone")}
    common |= {"replay/size", "replay/capacity", "speed/steps", "speed/updates"}
    common |= {"steps/evaluation", "steps/clone", "steps/total", "value/mean", "grad/critic", "grad/actor"}
    common |= {f"speed/share/{part}" for part in PARTS} | {"machine/cpu", "machine/rss"}
    assert common <= named["accelerate"]
    assert common <= named["online"]
    only_first = {"accelerator/return", "accelerator/std", "accelerator/episodes", "random/return"}
    only_first |= {"windows/size", "windows/capacity", "grad/clone"}
    assert only_first <= named["accelerate"]
    assert not only_first & named["online"]


def test_each_row_has_what_the_engine_used_of_the_machine(finished: Finished) -> None:
    folder, _ = finished
    for row in rows(folder):
        if "speed/steps" in row:
            assert 0 <= row["machine/cpu"] <= 110 * (os.cpu_count() or 1)
            assert 50e6 < row["machine/rss"] < psutil.virtual_memory().total
            assert "machine/gpu_memory" not in row, "it trains on the cpu"


def test_the_time_of_a_run_is_told_by_what_it_went_to(finished: Finished) -> None:
    folder, _ = finished
    for row in rows(folder):
        if "speed/share/update" in row:
            assert sum(row[f"speed/share/{part}"] for part in PARTS) == pytest.approx(1)
    spent = status_of(folder).progress["time"]
    assert spent.keys() == set(PARTS)
    assert all(seconds > 0 for seconds in spent.values())


def test_each_row_tells_the_cpu_seconds_so_far_and_what_of_them_evaluations_took(finished: Finished) -> None:
    folder, _ = finished
    told = [(row["time/cpu"], row["time/cpu_evaluation"]) for row in rows(folder) if "steps/total" in row]
    whole, evaluations = zip(*told, strict=True)
    assert list(whole) == sorted(whole) and list(evaluations) == sorted(evaluations)
    assert all(0 < part < total for total, part in told)
    evaluated = [row["time/cpu_evaluation"] for row in rows(folder) if "transformer/return" in row]
    assert len(set(evaluated)) == len(evaluated), "each evaluation has cost something"


def test_a_rule_says_where_it_stands_before_the_first_evaluation(
    living: Callable[..., tuple[RunFolder, subprocess.Popen[bytes]]],
) -> None:
    rule = {"any": [{"plateau": {"patience": 4}}, {"step": 9_000_000}]}
    folder, _ = living(switch=rule, evaluation={"every": 1_000_000})
    progress = status_of(folder).progress
    assert progress["rule"].startswith("plateau 0/4 or step ") and progress["rule"].endswith("/9,000,000")
    assert progress["rule_detail"].startswith("no evaluation yet; fires in 8,99")


def test_evaluations_are_at_their_steps_and_their_steps_are_counted(finished: Finished) -> None:
    folder, _ = finished
    evaluated = [row for row in rows(folder) if "transformer/return" in row]
    assert [row["step"] for row in evaluated] == [40, 80, 120, 160, 200]
    both, one = 2 * 2 * EPISODE, 2 * EPISODE
    assert [row["steps/evaluation"] for row in evaluated] == [
        one + both,
        one + 2 * both,
        one + 3 * both,
        2 * one + 3 * both,
        3 * one + 3 * both,
    ]
    assert all(row["transformer/episodes"] == 2 for row in evaluated)
    trained = [row for row in rows(folder) if "steps/total" in row]
    assert all(row["steps/total"] == row["step"] + row["steps/evaluation"] + row["steps/clone"] for row in trained)


def test_the_return_of_random_actions_is_measured_first(finished: Finished) -> None:
    folder, _ = finished
    first, status = rows(folder)[0], status_of(folder)
    assert first["step"] == 0
    assert -200 < first["random/return"] < 0
    assert status.progress["random_return"] == first["random/return"]


def test_the_folder_holds_checkpoints_and_tensorboard_files_and_no_pickle(finished: Finished) -> None:
    folder, _ = finished
    reasons = {document["step"]: document["why"] for document in manifests(folder)}
    assert "switch" in reasons[120]
    assert "end" in reasons[200]
    assert [step for step, why in reasons.items() if "periodic" in why] == [120, 180]
    (tensorboard,) = folder.tensorboard.glob("events.out.tfevents.*")
    assert tensorboard.stat().st_size > 1_000
    suffixes = {path.suffix for path in folder.path.rglob("*") if path.is_file() and path.parent != folder.tensorboard}
    assert suffixes <= {".json", ".jsonl", ".yaml", ".safetensors", ""}


def test_the_last_status_counts_all_steps(finished: Finished) -> None:
    folder, _ = finished
    counted = rows(folder)[-1]["steps/evaluation"]
    assert status_of(folder).progress["steps"] == {"evaluation": counted, "clone": 0, "total": 200 + counted}


@pytest.mark.parametrize(
    ("method", "stage", "measured"),
    [("scratch", "online", "transformer"), ("accelerator", "accelerate", "accelerator")],
)
def test_a_baseline_runs_over_both_budgets_and_says_what_it_ignores(
    tmp_path: Path, method: str, stage: str, measured: str
) -> None:
    folder = new_run(tmp_path, small(method=method))
    done = engine("run", folder.path, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    status = status_of(folder)
    assert (status.state, status.stage, status.step) == ("FINISHED", stage, 200)
    assert status.progress[stage] == {"steps": 200, "of": 200}
    (warning,) = events(folder, "warning")
    assert "clone and switch are ignored" in warning["message"]
    names = {name for row in rows(folder) for name in row if name.endswith("/return")}
    assert names == {"random/return", f"{measured}/return"}
    assert not events(folder, "switch")


def test_rollouts_for_cloning_are_counted(tmp_path: Path) -> None:
    recipe = small(clone={"from": "rollouts", "rollouts": {"every": 50, "episodes": 3}})
    folder = new_run(tmp_path, recipe)
    assert engine("run", folder.path, cwd=tmp_path).returncode == 0
    counted = {row["step"]: row["steps/clone"] for row in rows(folder) if "steps/clone" in row}
    collection = 2 * 2 * EPISODE  # three episodes in two environments: two rounds
    assert [counted[step] for step in (40, 60, 120, 200)] == [0, collection, 2 * collection, 2 * collection]


def test_an_environment_that_cannot_be_had_is_the_users_error(tmp_path: Path) -> None:
    folder = new_run(tmp_path, small(env={"id": "Pendulum-v7"}))
    done = engine("run", folder.path, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr
    status = status_of(folder)
    assert status.state == "FAILED"
    assert status.error is not None
    assert status.error["kind"] == "environment"
    assert "Pendulum-v7" in status.error["message"]
    assert [event["message"] for event in events(folder, "error")] == [status.error["message"]]


@pytest.mark.parametrize("verb", ["run", "spaces", "plan"])
def test_what_is_not_there_is_the_users_error(tmp_path: Path, verb: str) -> None:
    done = engine(verb, tmp_path / "nothing", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr
    assert "nothing" in done.stdout + done.stderr


def test_a_run_that_has_ended_is_not_run_again(finished: Finished, tmp_path: Path) -> None:
    folder = RunFolder(shutil.copytree(finished[0].path, tmp_path / "copy"))
    before = status_of(folder), rows(folder)
    done = engine("run", folder.path, cwd=tmp_path)
    assert done.returncode == 2
    assert "FINISHED" in done.stderr
    assert (status_of(folder), rows(folder)) == before


@pytest.mark.parametrize("allowed", [False, True])
def test_a_module_is_imported_only_where_the_call_allows_it(tmp_path: Path, allowed: bool) -> None:
    (tmp_path / "horse.py").write_text("open('opened', 'w').close()\n")
    folder = new_run(tmp_path, small(env={"id": "horse:Trojan-v0"}))
    done = engine("run", folder.path, *(["--allow-import", "horse"] if allowed else []), cwd=tmp_path)
    assert done.returncode == 2
    assert bool(list(tmp_path.rglob("opened"))) == allowed
    error = status_of(folder).error
    assert error is not None
    assert ("--allow-import horse" in error["message"]) != allowed


@pytest.mark.parametrize("processes", [False, True])
def test_a_signal_to_leave_is_obeyed_with_a_checkpoint(living: Callable, processes: bool) -> None:
    """Sent as batch systems send it: to the engine and all processes it has started."""
    folder, process = living(env={"processes": processes, "num_envs": 2})
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(60) == 75
    status = status_of(folder)
    assert status.state == "PREEMPTED"
    assert manifests(folder)[-1]["step"] == status.step
    assert "end" in manifests(folder)[-1]["why"]
    assert [event["step"] for event in events(folder, "preempt")] == [status.step]


def test_a_hangup_is_ignored_and_a_second_engine_refused(living: Callable) -> None:
    folder, process = living()
    process.send_signal(signal.SIGHUP)
    second = engine("run", folder.path, cwd=folder.path)
    assert second.returncode == 2
    assert "Another engine runs in" in second.stderr
    assert "Traceback" not in second.stderr
    status = status_of(folder)
    assert status.pid == process.pid
    until(lambda: status_of(folder).step > status.step)
    assert process.poll() is None


def test_commands_are_obeyed_between_steps(living: Callable) -> None:
    folder, process = living()

    def obeyed(kind: str, **options: Any) -> bool:
        ack = wait_for_ack(folder, send_command(folder, kind, by="me@here", **options), timeout=60)
        assert ack is not None, kind
        return ack.state == "done"

    assert obeyed("checkpoint")
    assert any("command" in manifest["why"] for manifest in manifests(folder))
    assert obeyed("pause")
    until(lambda: status_of(folder).state == "PAUSED")
    step = status_of(folder).step
    assert obeyed("evaluate")
    assert rows(folder)[-1]["step"] == step
    assert "accelerator/return" in rows(folder)[-1]
    until(lambda: status_of(folder).state == "PAUSED")
    assert status_of(folder).step == step
    assert obeyed("unpause")
    until(lambda: status_of(folder).step > step)
    assert not obeyed("switch", expected_stage="online")
    assert obeyed("switch", expected_stage="accelerate")
    (event,) = events(folder, "switch")
    assert event["by"] == "me@here"
    until(lambda: status_of(folder).step > event["step"])
    assert status_of(folder).stage == "online"
    refused = send_command(folder, "switch", by="me@here")
    assert not (wait_for_ack(folder, refused, 60) is None or obeyed("switch"))
    assert "no switch in stage online" in read_ack(folder, refused).reason  # type: ignore[union-attr]
    assert obeyed("stop")
    assert process.wait(60) == 0
    assert status_of(folder).state == "STOPPED"
    assert not list(folder.commands.glob("*.json"))
