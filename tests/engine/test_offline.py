"""Evaluations of saved policies: which checkpoint, which seeds, and what is filmed."""

import shutil
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import drawn_env
import imageio.v2 as imageio
import mujoco
import numpy as np
import pytest
from engine_process import new_run
from engine_recipes import small
from saved_runs import save, saved_run, stirred

from acceltui.engine.envs.gymnasium_env import make_base
from acceltui.engine.errors import SetupError
from acceltui.engine.offline import Asked, evaluate_run
from acceltui.engine.saved_policy import find_policy
from acceltui.engine.video import choose_gl
from acceltui.engine.vulkan import find_devices, problem
from acceltui.recipe.schema import GymnasiumEnv
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import RunError

DRAWN = {"id": "drawn_env:Drawn-v0", "episode_steps": None}


def evaluate(
    folder: RunFolder,
    checkpoint: str | None = None,
    policy: str | None = None,
    episodes: int = 3,
    seed: int | None = None,
    video: Path | None = None,
) -> dict[str, Any]:
    asked = Asked(checkpoint, policy, episodes, seed, video)
    return evaluate_run(folder, asked, ["drawn_env"], lambda done: None)


def seeds(found: dict[str, Any]) -> list[int]:
    return [episode["seed"] for episode in found["episodes"]]


def test_an_episode_is_what_its_seed_makes_it(tmp_path: Path) -> None:
    """Whatever came before it in its environment; the figures are of the episodes that are listed."""
    folder, _ = saved_run(tmp_path, small(env={"id": "Hopper-v5", "episode_steps": 40}))
    found = evaluate(folder, episodes=5, seed=300)
    assert seeds(found) == [300, 301, 302, 303, 304]
    returns = [episode["return"] for episode in found["episodes"]]
    assert len(set(returns)) == 5
    for episode in found["episodes"]:
        [alone] = evaluate(folder, episodes=1, seed=episode["seed"])["episodes"]
        assert alone["steps"] == episode["steps"]
        assert alone["return"] == pytest.approx(episode["return"], rel=1e-3)
    assert found["return"] == {
        "mean": pytest.approx(np.mean(returns)),
        "std": pytest.approx(np.std(returns)),
        "min": min(returns),
        "max": max(returns),
        "median": sorted(returns)[2],
    }
    lengths = [episode["steps"] for episode in found["episodes"]]
    assert (found["steps"]["min"], found["steps"]["max"]) == (min(lengths), max(lengths))
    assert found["success"] is None and found["episodes"][0]["success"] is None


def test_success_is_there_where_the_task_reports_it(tmp_path: Path) -> None:
    folder, _ = saved_run(tmp_path, small(env=DRAWN))
    found = evaluate(folder, episodes=4, seed=0)
    assert [episode["success"] for episode in found["episodes"]] == [False, True, False, True]
    assert (found["success"], found["success_at_end"]) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("seed", "evaluations"), [(3, 10_000), (1_000_002, 10_000), (3, 999_999), (1_000_000, 2_000_001)]
)
def test_seeds_are_fresh_and_always_the_same(tmp_path: Path, seed: int, evaluations: int) -> None:
    recipe = small(seed=seed, evaluation={"seed": evaluations})
    folder, _ = saved_run(tmp_path, recipe)
    found = evaluate(folder)
    run_s = {seed, *range(evaluations, evaluations + recipe.evaluation.num_envs)}
    assert run_s.isdisjoint(seeds(found)) and not found["notes"]
    assert evaluate(folder) == found
    other = evaluate(folder, seed=5_000)
    assert other["return"] != found["return"] and seeds(other) == [5_000, 5_001, 5_002]
    assert "were used by" in evaluate(folder, seed=evaluations - 2)["notes"][0]


@pytest.fixture
def several(tmp_path: Path) -> RunFolder:
    """A run with checkpoints for three reasons, whose policies differ."""
    recipe = small()
    folder = new_run(tmp_path, recipe)
    for number, (step, *whys) in enumerate(((50, "best"), (120, "switch"), (200, "periodic", "end"))):
        save(folder, recipe, stirred(recipe, number), step, *whys)
    return folder


def test_a_checkpoint_is_the_best_the_last_or_one_that_is_named(several: RunFolder) -> None:
    asked = {None: 50, "best": 50, "switch": 120, "last": 200, "120": 120}
    found = {which: evaluate(several, which) for which in asked}
    assert {which: one["step"] for which, one in found.items()} == asked
    assert not any(one["notes"] for one in found.values())
    assert len({one["return"]["mean"] for one in found.values()}) == 3
    assert found["last"]["why"] == ["periodic", "end"] and found["last"]["checkpoint"] == "0000000200-1"
    with pytest.raises(RunError, match=r"no checkpoint at '70'. There are: 50 \(best\); 120 \(switch\); 200"):
        evaluate(several, "70")


def test_both_policies_can_be_asked_for(several: RunFolder) -> None:
    of = {policy: evaluate(several, policy=policy) for policy in (None, "transformer", "accelerator")}
    assert of[None] == of["transformer"] and of[None]["policy"] == "transformer"
    assert of["accelerator"]["policy"] == "accelerator"
    assert of["accelerator"]["return"] != of["transformer"]["return"]


@pytest.mark.parametrize(
    ("method", "there", "missing"), [("scratch", "transformer", "accelerator"), ("accelerator",) * 2 + ("transformer",)]
)
def test_a_policy_that_the_method_does_not_train_is_refused(
    tmp_path: Path, method: str, there: str, missing: str
) -> None:
    folder, _ = saved_run(tmp_path, small(method=method))
    assert evaluate(folder)["policy"] == there
    with pytest.raises(RunError, match=f"has no {missing}: it was trained with method {method}"):
        evaluate(folder, policy=missing)


def test_without_a_best_the_last_is_taken_and_that_is_said(several: RunFolder) -> None:
    shutil.rmtree(several.checkpoints / "0000000050-1")
    found = evaluate(several)
    assert found["step"] == 200
    assert found["notes"] == ["run has no checkpoint of its best that can be used: this is the last"]


def test_a_damaged_checkpoint_is_not_used(several: RunFolder) -> None:
    def damage(name: str, file: str) -> None:
        path = several.checkpoints / name / file
        path.write_bytes(path.read_bytes()[:-1] + b"\0")

    damage("0000000050-1", "accelerator.safetensors")
    assert find_policy(several, "best", "transformer").found.step == 50, "what is not needed may be damaged"
    damage("0000000050-1", "transformer.safetensors")
    found = find_policy(several, None, None)
    assert found.found.step == 200
    assert found.notes[0] == "checkpoint 0000000050-1 is skipped: transformer.safetensors is damaged"
    with pytest.raises(RunError, match=r"0000000050-1 is skipped: transformer\.safetensors is damaged"):
        find_policy(several, "best", None)
    damage("0000000200-1", "recipe.yaml")
    assert find_policy(several, "last", None).found.step == 120
    (several.checkpoints / "0000000120-1" / "manifest.json").write_text("{}")
    with pytest.raises(RunError, match=r"no checkpoint that can be used: .*no manifest that can be read"):
        find_policy(several, None, None)


def frames_of(video: Path) -> tuple[np.ndarray, float]:
    with imageio.get_reader(video) as reader:
        return np.stack([np.asarray(frame) for frame in reader]), reader.get_meta_data()["fps"]


def test_the_first_episode_is_filmed_from_its_first_state_to_its_last(tmp_path: Path) -> None:
    folder, _ = saved_run(tmp_path, small(env=DRAWN))
    video = tmp_path / "out.mp4"
    found = evaluate(folder, episodes=5, seed=7, video=video)
    assert found["video"] == str(video)
    frames, speed = frames_of(video)
    assert found["episodes"][0]["steps"] == drawn_env.STEPS - 2
    assert frames.shape == (drawn_env.STEPS - 1, drawn_env.HEIGHT + 1, drawn_env.WIDTH + 1, 3) and speed == 10
    expected = drawn_env.BRIGHTER * np.arange(len(frames))
    np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), expected, atol=6)
    assert {path.name for path in tmp_path.iterdir()} == {"run", "out.mp4"}
    assert found | {"video": None} == evaluate(folder, episodes=5, seed=7), "filming changes nothing"


@pytest.mark.skipif(find_library("EGL") is None, reason="MuJoCo draws without a display by EGL, which is not here")
def test_mujoco_is_filmed_without_a_display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "MUJOCO_GL"):
        monkeypatch.setenv(name, "")  # and back to what it was, when the test is over
    folder, _ = saved_run(tmp_path, small(env={"id": "HalfCheetah-v5", "episode_steps": 6, "hide": "velocities"}))
    found = evaluate(folder, video=tmp_path / "out.mp4")
    frames, _ = frames_of(tmp_path / "out.mp4")
    assert frames.shape == (7, 480, 480, 3)
    assert frames.std() > 10, "something is to be seen"
    assert found | {"video": None} == evaluate(folder)


@pytest.mark.skipif(find_library("EGL") is None, reason="MuJoCo draws without a display by EGL, which is not here")
@pytest.mark.parametrize("id", ["HalfCheetah-v5", "Hopper-v5", "Ant-v5"])
def test_what_runs_stays_in_the_picture(id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "MUJOCO_GL"):
        monkeypatch.setenv(name, "")
    choose_gl()
    env = make_base(GymnasiumEnv(kind="gymnasium", id=id), "rgb_array")
    env.reset(seed=1)
    seen = []
    for metres in (0, 20):
        env.unwrapped.data.qpos[0] += metres
        mujoco.mj_forward(env.unwrapped.model, env.unwrapped.data)
        red, _, blue = np.moveaxis(env.render().astype(int), 2, 0)
        seen.append((red - blue > 50).mean())  # of all that there is, the body alone is red or brown
    env.close()
    assert seen[0] > 0.01 and seen[1] > 0.01


@pytest.mark.slow
def test_a_task_of_maniskill_is_filmed_in_its_own_process(tmp_path: Path) -> None:
    if find_spec("mani_skill") is None:
        pytest.skip("mani_skill is not installed")
    if trouble := problem(find_devices()):
        pytest.skip(f"the simulator cannot run: {trouble} (make system-packages)")
    document = small().model_dump(by_alias=True)
    task = {"kind": "maniskill", "id": "PushCube-v1", "episode_steps": 5}
    folder, _ = saved_run(tmp_path, type(small()).model_validate(document | {"env": task}))
    found = evaluate(folder, episodes=2, video=tmp_path / "out.mp4")
    frames, _ = frames_of(tmp_path / "out.mp4")
    assert frames.shape == (6, 512, 512, 3) and frames.std() > 10
    assert found | {"video": None} == evaluate(folder, episodes=2)


def test_what_cannot_be_filmed_is_told_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = saved_run(tmp_path, small(env={"id": "accel/Recall-v0", "episode_steps": None}))
    with pytest.raises(SetupError, match="does not draw itself"):
        evaluate(folder, video=tmp_path / "out.mp4")

    drawn, _ = saved_run(tmp_path, small(env=DRAWN), name="drawn")

    plain = drawn_env.Drawn.render

    def fail_later(env: drawn_env.Drawn) -> np.ndarray:
        if env.taken > 2:
            raise RuntimeError("no driver\nat all")
        return plain(env)

    with monkeypatch.context() as broken:
        broken.setattr(drawn_env.Drawn, "render", fail_later)
        with pytest.raises(SetupError, match="Drawn-v0 cannot be drawn: no driver at all"):
            evaluate(drawn, video=tmp_path / "out.mp4")
    with pytest.raises(SetupError, match=r"nowhere/out\.mp4 cannot be written: No such file"):
        evaluate(drawn, video=tmp_path / "nowhere" / "out.mp4")
    monkeypatch.setattr("acceltui.engine.video.find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"not installed here \(`pip install 'acceltui\[video\]'`\)"):
        evaluate(drawn, video=tmp_path / "out.mp4")
    assert {path.name for path in tmp_path.iterdir()} == {"run", "drawn"}
