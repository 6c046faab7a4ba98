"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from acceltui.cli import complete

Run = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="Name, unique prefix or path of a run; nothing for the newest.",
        show_default=False,
        autocompletion=complete.runs,
    ),
]
RunsDir = Annotated[
    Path | None, typer.Option("--runs-dir", metavar="DIR", help="Where runs live, instead of $ACCEL_RUNS or ./runs.")
]
RecipeName = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A recipe file, or the name of a shipped recipe.",
        show_default=False,
        autocompletion=complete.recipes,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Values laid over the recipe's: online.steps=50_000.",
        show_default=False,
        autocompletion=complete.overrides,
    ),
]
AllowImport = Annotated[
    list[str] | None,
    typer.Option("--allow-import", metavar="MODULE", help="Let env.id import this module; may be repeated."),
]
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]
Plain = Annotated[bool, typer.Option("--plain", help="Columns with a tab between them, the same ones always.")]
Lines = Annotated[bool, typer.Option("--plain", help="Print lines instead of showing the dashboard.")]
StartedJson = Annotated[bool, typer.Option("--json", help="With --detach: print the run's status, for scripts.")]
Detach = Annotated[bool, typer.Option("--detach", help="Start the engine and return.")]
Foreground = Annotated[bool, typer.Option("--foreground", help="Be the engine, for batch systems.")]
Share = Annotated[bool, typer.Option("--share", help="Let the folder's group watch.")]
Allow = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY", help="Go on though this key of the recipe, or section, has changed; may be repeated."),
]


def one_form(as_json: bool, plain: bool) -> None:
    """Refuse two forms of output at once."""
    if as_json and plain:
        raise typer.BadParameter("--json and --plain exclude each other.")


def columns(*values: object) -> str:
    """A line of `--plain`: `-` where there is nothing."""
    from acceltui.runs.text import clean

    return "\t".join("-" if value in (None, "") else clean(value) for value in values)
