"""What is named on a command line as results: runs, files of results, folders of such files."""

from collections.abc import Iterable
from pathlib import Path

from acceltui.runs.folder import RunFolder
from acceltui.runs.outcome import result_of
from acceltui.runs.paths import RunError, find_run, is_run
from acceltui.runs.results import Result, read_result
from acceltui.runs.text import clean

Named = RunFolder | Result
"""A run that is here, or what is kept of one."""


def find(text: str, root: Path) -> list[Named]:
    """What `text` names: a file that ends in .json, a folder of such files that is no run, or a run; RunError."""
    path = Path(text)
    if path.suffix == ".json":
        return [read_result(path)]
    if text and path.is_dir() and not is_run(path) and not is_run(root / text):
        files = sorted(path.glob("*.json"))
        if not files:
            raise RunError(f"{clean(path)} is neither a run nor a folder of results: it holds no *.json.")
        return [read_result(file) for file in files]
    return [find_run(text, root)]


def find_all(texts: Iterable[str], root: Path) -> list[Named]:
    """All that is named, each once, in the order it was."""
    found: dict[object, Named] = {}
    for text in texts:
        for named in find(text, root):
            found.setdefault(named if isinstance(named, RunFolder) else (named.run, named.id), named)
    return list(found.values())


def results_of(named: Iterable[Named]) -> list[Result]:
    """The results of all, each once, though a run may be named beside the file that was written of it."""
    results = (result_of(one) if isinstance(one, RunFolder) else one for one in named)
    return list({(result.run, result.id): result for result in results}.values())


def result_or_none(named: Named) -> Result | None:
    """The result of one; None of a run that has too little in it."""
    try:
        return result_of(named) if isinstance(named, RunFolder) else named
    except RunError:
        return None
