"""What is named on a command line as results: runs, files of results, folders of such files."""

from collections.abc import Callable, Iterable
from pathlib import Path

from acceltui.runs.folder import RunFolder
from acceltui.runs.outcome import result_of
from acceltui.runs.paths import RunError, find_run, is_run
from acceltui.runs.results import ForeignFile, Result, read_result
from acceltui.runs.text import clean

Named = RunFolder | Result
"""A run that is here, or what is kept of one."""
Tell = Callable[[str], None]


def find(text: str, root: Path, tell: Tell) -> list[Named]:
    """What `text` names: a file that ends in .json, a folder that is no run, with such files anywhere below it, or a
    run; RunError."""
    path = Path(text)
    if path.suffix == ".json":
        return [read_result(path)]
    if text and path.is_dir() and not is_run(path) and not is_run(root / text):
        return below(path, tell)
    return [find_run(text, root)]


def below(folder: Path, tell: Tell) -> list[Named]:
    """The results in a folder, which may have other files beside them; RunError where there are none, and for one that
    cannot be read."""
    files = sorted(folder.rglob("*.json"))
    if not files:
        raise RunError(f"{clean(folder)} is neither a run nor a folder of results: it holds no *.json.")
    found: list[Named] = []
    others: list[ForeignFile] = []
    for file in files:
        try:
            found.append(read_result(file))
        except ForeignFile as error:
            others.append(error)
    if not found:
        raise others[0]
    if others:
        more = f" {len(others) - 1} more were passed over." if len(others) > 1 else ""
        tell(f"Passed over: {others[0]}{more}")
    return found


def find_all(texts: Iterable[str], root: Path, tell: Tell = lambda message: None) -> list[Named]:
    """All that is named, each once, in the order it was; `tell` is given what of it was passed over."""
    found: dict[object, Named] = {}
    for text in texts:
        for named in find(text, root, tell):
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
