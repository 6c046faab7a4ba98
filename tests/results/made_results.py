"""Results made by hand, so that their figures can be worked out by hand."""

from collections.abc import Sequence
from typing import Any

from acceltui.runs.results import Result


def made(
    returns: Sequence[float | None],
    *,
    steps: Sequence[int] | None = None,
    method: str = "accelerated",
    policy: str = "transformer",
    task: str = "Walk-v1",
    seed: int = 1,
    random: float | None = 0.0,
    **others: Any,
) -> Result:
    """Evaluations every 1,000 steps, or at `steps`. By the k-th, 100 k CPU seconds were spent, 10 k of them on
    evaluations, and 50 k environment steps beside training's."""
    steps = steps or [1000 * k for k in range(1, len(returns) + 1)]
    evaluations = [
        {"step": step, "stage": "online", "cpu": 100.0 * k, "cpu_evaluation": 10.0 * k, "steps_total": step + 50 * k}
        | {policy: value, "episodes": 5}
        for k, (step, value) in enumerate(zip(steps, returns, strict=True), 1)
    ]
    values: dict[str, Any] = {
        "version": 1,
        "id": f"walk-{method}-s{seed}-00000000",
        "run": f"walk-{method}-s{seed}",
        "state": "FINISHED",
        "error": None,
        "recipe": {"method": method, "seed": seed, "env.id": task, "online.replay": 20_000},
        "seed": seed,
        "method": method,
        "task": task,
        "switch_step": None,
        "switch_by": None,
        "random_return": random,
        "steps": {"training": steps[-1] if steps else 0, "evaluation": 0, "clone": 0, "total": 0},
        "cpu": {"training": None, "evaluation": None},
        "versions": {},
        "machine": {},
        "commit": None,
        "command": None,
        "attempts": 1,
        "evaluations": evaluations,
    }
    return Result(**(values | others))
