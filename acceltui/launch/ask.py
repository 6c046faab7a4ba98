"""Questions that only the engine can answer, asked before a run folder exists."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from acceltui.launch.call import LaunchError, engine_call, engine_environment, tail
from acceltui.recipe.errors import Problem, RecipeError
from acceltui.recipe.load import LoadedRecipe
from acceltui.recipe.resolved import dump_resolved
from acceltui.runs.text import clean


def ask_engine(
    verb: Literal["spaces", "plan"], loaded: LoadedRecipe, allow_import: Sequence[str] = ()
) -> dict[str, Any]:
    """The engine's answer on a recipe, as `python -m acceltui.engine VERB` prints it.

    Raises RecipeError when the recipe asks for what there is not, LaunchError when the engine crashed.
    """
    with tempfile.TemporaryDirectory(prefix="accel-") as folder:
        resolved = Path(folder) / "resolved.yaml"
        resolved.write_text(dump_resolved(loaded.recipe))
        answer = subprocess.run(
            engine_call(verb, resolved, allow_import),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=folder,
            env=engine_environment(allow_import),
            check=False,
        )
    document = parse(answer.stdout)
    if answer.returncode == 0 and document is not None:
        return document
    match document:
        case {"error": {"path": str(path), "message": str(message), "hint": str() | None as hint}}:
            raise RecipeError([Problem(loaded.where(path), path, clean(message), hint)])
    printed = (answer.stdout + answer.stderr).decode(errors="replace").splitlines()
    raise LaunchError(f"The engine crashed when asked for {verb}:{tail(printed)}", 1)


def parse(answer: bytes) -> dict[str, Any] | None:
    """The JSON object that `answer` is, or None."""
    try:
        document = json.loads(answer)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
