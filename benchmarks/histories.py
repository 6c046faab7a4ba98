"""Long histories of metrics, made of the rows of a short run."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COLUMNS_OF_ALL = ("seq", "attempt", "step", "stage", "time")


def measured(path: Path) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl."""
    return [row for line in path.read_text().splitlines() if "step" in (row := json.loads(line))]


def stretched(rows: list[dict[str, Any]], count: int, budget: int) -> Iterator[dict[str, Any]]:
    """As many rows over as many steps, one a second; each figure is that of the row it comes from, give or take."""
    draws = random.Random(1)
    for index in range(count):
        row = rows[index * len(rows) // count]
        figures = {
            name: round(value * draws.uniform(0.97, 1.03), 6) if isinstance(value, float) else value
            for name, value in row.items()
            if name not in COLUMNS_OF_ALL
        }
        told = {"seq": index, "attempt": 1, "step": (index + 1) * budget // count, "stage": row["stage"]}
        yield told | {"time": rows[0]["time"] + index} | figures
