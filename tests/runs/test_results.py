"""Results: what a run came to, in a file that is read back."""

import json
import stat
from itertools import pairwise
from pathlib import Path

import pytest

from acceltui.recipe.library import ShippedRecipe, shipped_recipes
from acceltui.recipe.load import load_recipe
from acceltui.recipe.resolved import dump_resolved
from acceltui.recipe.schema import Recipe
from acceltui.runs.events import EventWriter
from acceltui.runs.folder import RunFolder
from acceltui.runs.metrics import MetricsWriter
from acceltui.runs.outcome import MOST_EVALUATIONS, processor, result_of, write_result
from acceltui.runs.paths import RunError
from acceltui.runs.results import read_result, result_id
from acceltui.runs.status import Status, this_host, write_status

RECIPE = """version: 1
name: cheetah
seed: 3
env: {kind: gymnasium, id: HalfCheetah-v5, hide: velocities, num_envs: 2}
accelerator: {kind: mlp, steps: 20_000}
switch: {any: [{step: 10_000}]}
online: {steps: 10_000}
"""


def recipe_with(folder: Path, *overrides: str, text: str = RECIPE) -> Recipe:
    source = folder / "a-recipe.yaml"
    source.write_text(text)
    return load_recipe(source, overrides).recipe


@pytest.fixture
def trained(folder: RunFolder) -> RunFolder:
    """A run that was interrupted at 6,000, went on from 4,000, switched at 10,000 and has failed since."""
    recipe = recipe_with(folder.path)
    folder.resolved.write_text(dump_resolved(recipe))
    rows = MetricsWriter(folder.metrics, 1)
    rows.append(0, "accelerate", {"random/return": -280.123456789})
    rows.append(2000, "accelerate", {"transformer/return": 1.0, "accelerator/return": 2.0, "accelerator/episodes": 5})
    rows.append(3000, "accelerate", {"time/cpu": 40.0, "time/cpu_evaluation": 10.0, "loss/critic": 1.0})
    rows.append(
        4000,
        "accelerate",
        {"transformer/return": 10.00000049, "transformer/std": 1.5, "transformer/episodes": 5, "steps/total": 9000}
        | {"accelerator/return": float("nan"), "accelerator/success": 0.5, "steps/evaluation": 5000, "steps/clone": 0},
    )
    rows.append(6000, "accelerate", {"transformer/return": 777.0})
    rows.close()
    rows = MetricsWriter(folder.metrics, 2)
    rows.rewind(4000)
    rows.append(10_000, "accelerate", {"transformer/return": 30.0, "time/cpu": 99.5, "time/cpu_evaluation": 20.0})
    rows.append(12_000, "online", {"transformer/return": 40.0, "steps/evaluation": 1_234_567, "steps/clone": 7})
    rows.close()
    events = EventWriter(folder.events)
    events.append("switch", "too early", step=5000, by="somebody")
    events.append("switch", "stage online", step=10_000, by="plateau\x1b[2J")
    events.close()
    surroundings = {
        "command": "accel run cheetah seed=3",
        "git": {"commit": "0123abc", "diff": ""},
        "versions": {"python": "3.12.1", "torch": None},
        "host": this_host(),
        "cpus": 2,
    }
    folder.environment.write_text(json.dumps(surroundings))
    error = {"kind": "diverged", "message": "the loss\x1b[2J is not finite"}
    progress = {"switch_step": 10_000}
    write_status(
        folder,
        Status(state="FAILED", run="cheetah", step=12_500, stage="online", attempt=2, error=error, progress=progress),
    )
    return folder


def test_what_a_run_came_to(trained: RunFolder) -> None:
    found = result_of(trained)
    assert (found.run, found.state, found.error) == ("cheetah", "FAILED", "the loss is not finite")
    assert (found.seed, found.method, found.task) == (3, "accelerated", "HalfCheetah-v5 hide=velocities")
    assert (found.switch_step, found.switch_by, found.attempts) == (10_000, "plateau", 2)
    assert found.random_return == -280.123, "six digits"
    assert found.steps == {"training": 12_500, "evaluation": 1_234_567, "clone": 7, "total": 1_247_074}, "to the last"
    assert found.cpu == {"training": 79.5, "evaluation": 20}
    assert (found.commit, found.command) == ("0123abc", "accel run cheetah seed=3")
    assert found.versions == {"python": "3.12.1", "torch": None}
    assert found.machine == {"processor": processor(), "cores": 2} and processor()
    assert found.recipe["online.steps"] == 10_000 and found.recipe["switch"] == {"any": [{"step": 10_000}]}


def test_evaluations_that_still_count_with_the_cpu_seconds_until_then(trained: RunFolder) -> None:
    first, second, third, fourth = result_of(trained).evaluations
    assert first == {
        "step": 2000,
        "stage": "accelerate",
        "cpu": None,
        "cpu_evaluation": None,
        "steps_total": None,
        "transformer": 1,
        "accelerator": 2,
        "episodes": 5,
    }
    assert second == {
        "step": 4000,
        "stage": "accelerate",
        "cpu": 40,
        "cpu_evaluation": 10,
        "steps_total": 9000,
        "transformer": 10,
        "transformer_std": 1.5,
        "accelerator": None,
        "accelerator_success": 0.5,
        "episodes": 5,
    }, "the cpu of the newest row before it"
    assert (third["step"], third["cpu"], third["cpu_evaluation"]) == (10_000, 99.5, 20), "not what was gone back on"
    assert (fourth["stage"], fourth["cpu"], fourth["transformer"]) == ("online", 99.5, 40)
    assert "accelerator" not in fourth


def test_a_result_is_read_back_as_it_was_written(trained: RunFolder, tmp_path: Path) -> None:
    path = write_result(trained, tmp_path / "deep" / "results")
    assert path == tmp_path / "deep" / "results" / f"{result_id(recipe_with(trained.path))}.json"
    assert read_result(path) == result_of(trained)
    assert path.read_text().count('\n  {"step"') == 4, "an evaluation a line"
    before = path.read_bytes()
    assert write_result(trained, tmp_path / "deep" / "results").read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600


def test_a_run_that_has_just_begun_has_a_result(folder: RunFolder) -> None:
    folder.resolved.write_text(dump_resolved(recipe_with(folder.path, "method=scratch")))
    found = result_of(folder)
    assert (found.state, found.evaluations, found.random_return, found.switch_step) == ("STARTING", [], None, None)
    assert found.machine == {"processor": None, "cores": None} and found.commit is None
    write_result(folder, folder.path)
    assert read_result(folder.path / f"{result_id(recipe_with(folder.path, 'method=scratch'))}.json") == found


def test_what_has_nothing_to_read_is_said(folder: RunFolder) -> None:
    with pytest.raises(RunError, match=r"The recipe of cheetah cannot be read: .*resolved\.yaml"):
        result_of(folder)
    folder.resolved.write_text(dump_resolved(recipe_with(folder.path)))
    folder.status.write_text("{")
    with pytest.raises(RunError, match="neither a status nor measurements"):
        result_of(folder)


def test_the_id_tells_what_bears_on_what_comes_out(tmp_path: Path) -> None:
    own = result_id(recipe_with(tmp_path))
    assert own.startswith("cheetah-accelerated-s3-") and len(own.rpartition("-")[2]) == 8
    digits = own[-8:]
    nowhere = ("engine.threads=7", "engine.device=cpu", "checkpoint.every=5", "log.every=7", "name=other")
    for alike in (*nowhere, "accelerator.norm=none"):
        assert result_id(recipe_with(tmp_path, alike))[-8:] == digits, alike
    others = ("seed=4", "method=scratch", "online.replay=30_000", "evaluation.episodes=7", "env.hide=positions")
    others += ("engine.precision=medium", "clone.newest=7_000", "accelerator.steps=15_000")
    assert len({result_id(recipe_with(tmp_path, other))[-8:] for other in others} | {digits}) == 9
    assert result_id(recipe_with(tmp_path, "method=scratch")).startswith("cheetah-scratch-s3-")


@pytest.mark.parametrize(
    ("method", "alike", "others"),
    [
        (
            "scratch",
            (
                "accelerator.replay=7_000",
                "clone.newest=7_000",
                "switch=null",
                "online.seed_replay=7",
                "online.clone_fade=7",
            ),
            ("online.replay=7_000", "accelerator.hidden=[7]", "accelerator.steps=21_000", "transformer.width=64"),
        ),
        (
            "accelerator",
            ("clone.newest=7_000", "switch=null", "online.seed_replay=7", "online.replay=7_000"),
            ("accelerator.replay=7_000", "accelerator.steps=21_000", "critic.norm=layer"),
        ),
    ],
)
def test_what_a_baseline_does_without_has_no_part_in_its_id(
    tmp_path: Path, method: str, alike: tuple[str, ...], others: tuple[str, ...]
) -> None:
    def of(*changed: str) -> str:
        return result_id(recipe_with(tmp_path, f"method={method}", *changed))

    assert {of(change) for change in alike} == {of()}
    assert of("accelerator.steps=19_000", "online.steps=11_000") == of(), "the budgets are one"
    assert len({of(change) for change in others} | {of()}) == 1 + len(others)


@pytest.mark.parametrize("shipped", shipped_recipes(), ids=lambda shipped: shipped.name)
def test_a_recipe_has_one_id_before_it_is_run_and_after(folder: RunFolder, shipped: ShippedRecipe) -> None:
    recipe = load_recipe(shipped.path).recipe
    folder.resolved.write_text(dump_resolved(recipe))
    assert result_of(folder).id == result_id(recipe)
    write_result(folder, folder.path)
    assert read_result(folder.path / f"{result_id(recipe)}.json") == result_of(folder)


def test_the_task_is_named_by_all_that_makes_it_another(tmp_path: Path) -> None:
    def task(env: str) -> str:
        folder = RunFolder(tmp_path)
        text = RECIPE.replace("{kind: gymnasium, id: HalfCheetah-v5, hide: velocities, num_envs: 2}", env)
        folder.resolved.write_text(dump_resolved(recipe_with(tmp_path, text=text)))
        write_status(folder, Status(state="FINISHED"))
        return result_of(folder).task

    assert task("{id: Hopper-v5, bootstrap: always, processes: true, num_envs: 3}") == "Hopper-v5"
    assert task("{id: Hopper-v5, keep: [0, 1, 4]}") == "Hopper-v5 keep=0,1,4"
    assert task("{id: Hopper-v5, observation_noise: 0.1, drop_frames: 0.2}") == (
        "Hopper-v5 observation_noise=0.1 drop_frames=0.2"
    )
    assert task("{kind: maniskill, id: PushCube-v1, observation: state, backend: cpu}") == "PushCube-v1"


def test_of_many_evaluations_as_many_are_kept_evenly_spread_and_all_that_means_are_taken_of(folder: RunFolder) -> None:
    folder.resolved.write_text(dump_resolved(recipe_with(folder.path, "evaluation.every=1_000")))
    rows = MetricsWriter(folder.metrics, 1)
    for step in range(1000, 3_601_000, 1000):
        rows.append(step, "accelerate" if step <= 1_801_000 else "online", {"transformer/return": 1.0})
    rows.close()
    progress = {"switch_step": 1_801_000}
    write_status(folder, Status(state="FINISHED", step=3_600_000, stage="online", progress=progress))
    steps = [row["step"] for row in result_of(folder).evaluations]
    assert MOST_EVALUATIONS == 1000 and len(steps) in range(1000, 1006)
    assert (steps[0], steps[-3:]) == (1000, [3_598_000, 3_599_000, 3_600_000])
    assert {1_799_000, 1_800_000, 1_801_000} < set(steps), "up to the switch"
    apart = {after - before for before, after in pairwise(steps[:490])}
    assert apart == {3000, 4000}


def test_what_a_person_has_had_evaluated_is_no_part_of_the_result(folder: RunFolder) -> None:
    folder.resolved.write_text(dump_resolved(recipe_with(folder.path)))
    events, rows = EventWriter(folder.events), MetricsWriter(folder.metrics, 1)
    asked = {4500: "evaluate done", 5000: "evaluate done", 7000: "checkpoint done", 12_500: "evaluate done"}
    for step, message in asked.items():
        events.append("command", message, step=step, by="somebody")
        rows.append(step, "accelerate", {"transformer/return": 1.0})
    events.close()
    rows.close()
    write_status(folder, Status(state="STOPPED", step=12_500, stage="accelerate"))
    steps = [row["step"] for row in result_of(folder).evaluations]
    # It would have been evaluated at 5,000 anyway, and at 12,500 training has ended.
    assert steps == [5000, 7000, 12_500]


def test_a_dirty_tree_and_another_machine_are_told(trained: RunFolder) -> None:
    surroundings = json.loads(trained.environment.read_text())
    surroundings |= {"host": "elsewhere", "git": {"commit": "0123abc", "diff": "+ a line"}, "cpus": 64}
    trained.environment.write_text(json.dumps(surroundings))
    found = result_of(trained)
    assert found.commit == "0123abc-dirty"
    assert found.machine == {"processor": None, "cores": 64}, "this is not the machine that trained"
    trained.environment.write_text("[" * 100_000)
    assert result_of(trained).commit is None


BROKEN = {
    "Expecting value": "",
    "it is larger|invalid|Invalid|utf-8|codec": "\udcff",
    "input should be": "[]",
    "id: field required": '{"version": 1}',
    "version: input should be 1": '{"version": 2}',
    "too deep": "[" * 100_000,
}


@pytest.mark.parametrize("why", BROKEN)
def test_what_is_no_result_is_said_in_one_sentence(tmp_path: Path, why: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(BROKEN[why], errors="surrogateescape")
    with pytest.raises(RunError, match=why) as said:
        read_result(path)
    assert str(said.value).startswith(f"{path} is no result of a run: ") and "\n" not in str(said.value)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(RunError, match="is no result of a run"):
            read_result(path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"seed": "one"}, "seed: "),
        ({"steps": {"training": -1}}, "steps.training: "),
        ({"switch_step": 10**30}, "switch_step: "),
        ({"random_return": 1e300}, "random_return: "),
        ({"evaluations": [{"step": [1]}]}, "evaluations.0.step"),
        ({"evaluations": 3}, "evaluations: "),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(
    trained: RunFolder, tmp_path: Path, change: dict[str, object], why: str
) -> None:
    path = write_result(trained, tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(RunError, match=why):
        read_result(path)


def test_what_others_wrote_is_safe_to_show(trained: RunFolder, tmp_path: Path) -> None:
    path = write_result(trained, tmp_path)
    document = json.loads(path.read_text())
    document |= {"task": "a\x1b[2J\nb", "recipe": {"method\x07": "x\u202e"}, "random_return": float("nan")}
    path.write_text(json.dumps(document))
    found = read_result(path)
    assert (found.task, found.recipe, found.random_return) == ("a b", {"method": "x"}, None)
