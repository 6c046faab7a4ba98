"""A comparison of groups as files and as a document."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from acceltui.results import plots, table
from acceltui.results.groups import Comparison
from acceltui.runs.results import Result


def as_document(comparison: Comparison) -> dict[str, Any]:
    """What scripts get; what cannot be had is null."""
    return asdict(comparison)


def write(results: Sequence[Result], comparison: Comparison, folder: Path) -> None:
    """Write table.md, figures.json and pictures; RunError where matplotlib is missing, the others are there then."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table.md").write_text(table.markdown(comparison), encoding="utf-8")
    (folder / "figures.json").write_text(json.dumps(as_document(comparison), indent=1) + "\n", encoding="utf-8")
    plots.draw(results, comparison.by, folder, comparison.of)
