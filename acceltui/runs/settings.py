"""What a person wants of every run, in a file of their own: $XDG_CONFIG_HOME/accel/settings.yaml.

It may name a command that is run: nobody else may write it, and neither a recipe nor a run folder can add to it.
"""

import os
import stat
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args, get_type_hints

from acceltui.recipe.errors import Place, Report
from acceltui.recipe.files import MAX_BYTES, decode, display
from acceltui.runs.files import read_regular

if TYPE_CHECKING:
    from acceltui.recipe.section import Section

Event = Literal["finish", "crash", "switch"]


@dataclass(frozen=True)
class Notify:
    """How a person is told that a run has finished, has crashed, or has switched stages."""

    bell: bool = True
    """Whether a terminal that watches rings its bell."""
    osc9: bool = False
    """Whether it is sent a desktop notification (OSC 9: iTerm2, kitty, WezTerm, Windows Terminal)."""
    hook: str | None = None
    """A command line for the shell."""
    on: list[Event] = field(default_factory=lambda: list(get_args(Event)))
    """When any of these is done."""


@dataclass(frozen=True)
class Settings:
    """All settings, with their defaults."""

    glyphs: Literal["auto", "braille", "block", "ascii"] = "auto"
    """What the dashboard draws with; `auto` is what suits the terminal."""
    theme: Literal["auto", "dark", "light"] = "auto"
    """Colours of the dashboard; `auto` is light where the terminal says that it is (COLORFGBG), else dark."""
    low_bandwidth: bool = False
    """Whether the dashboard writes less, for slow lines."""
    notify: Notify = Notify()
    keys: dict[str, str] = field(default_factory=dict)
    """Keys of the dashboard by action, in place of the usual ones."""


def settings_path() -> Path:
    """Where the file is looked for, whether or not there is one."""
    folder = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    if not folder.is_absolute():
        try:
            folder = Path.home() / ".config"
        except RuntimeError:  # a user without a home
            folder = Path("/etc/xdg")
    return folder / "accel" / "settings.yaml"


def load_settings() -> Settings:
    """This user's settings, the defaults where there is no file; RecipeError for one that cannot be used."""
    path, report = settings_path(), Report()
    file = Place(display(path), 1, 1)
    try:
        data = own_bytes(path.resolve(strict=True))
    except (FileNotFoundError, NotADirectoryError):
        return Settings()
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle
        refuse(path, report, f"cannot be used: {getattr(error, 'strerror', None) or error}")
    # 0.3 s, a third of all that starting takes, which most people without such a file need not wait for.
    from pydantic import ValidationError

    from acceltui.recipe.validate import complain
    from acceltui.recipe.yaml12 import parse

    text = decode(data, file, report)
    if all(line.lstrip().startswith("#") for line in text.splitlines() if line.strip()):
        return Settings()
    tree = parse(text, file, report)
    if not isinstance(tree.value, dict):
        names = ", ".join(one.name for one in fields(Settings))
        report.fail(tree.place, (), "not a map of settings", f"the keys are {names}")
    document = tree.plain()
    schema = section_of(Settings)
    try:
        written = schema.model_validate(document).model_dump(exclude_unset=True)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            complain(details, details["loc"], tree, document, report, schema)
    if report.found:
        raise report.error()
    return Settings(**written | {"notify": Notify(**written.get("notify", {}))})


def section_of(kind: type[Any]) -> "type[Section]":
    """What checks a document that is to become a `kind`."""
    from pydantic import Field, create_model

    from acceltui.recipe.section import Section

    hints = get_type_hints(kind)
    columns: dict[str, Any] = {}
    for one in fields(kind):
        if one.default_factory is not MISSING:
            columns[one.name] = (hints[one.name], Field(default_factory=one.default_factory))
        elif hints[one.name] is Notify:
            columns[one.name] = (inner := section_of(Notify), inner())
        else:
            columns[one.name] = (hints[one.name], one.default)
    return create_model(kind.__name__, __base__=Section, **columns)


def own_bytes(path: Path) -> bytes:
    """The content of a file that nobody but this user, or root, can have written; ValueError for another."""
    data, status = read_regular(path, MAX_BYTES)
    for what, place, its in (("it", path, status), ("its folder", path.parent, path.parent.stat())):
        if its.st_uid not in (os.geteuid(), 0):
            raise ValueError(f"{what} belongs to another user")
        if its.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ValueError(f"others may write {what}: `chmod go-w {display(place)}` ends that")
    return data


def refuse(path: Path, report: Report, why: str) -> NoReturn:
    """Raise one sentence about the file as a whole."""
    report.fail(Place(display(path)), (), why)
