"""The command line: each command parses, calls and prints.

`accel --help` must be there at once, so nothing heavy is imported at module level here: commands import what they call.
"""

import signal
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from acceltui import __version__
from acceltui.cli import compare, control, doctor, evaluate, look, notes, recipes, run, serve, settings, sweep, tidy

EPILOG = """Exit codes: 0 finished, stopped or detached; 1 the run failed; 2 recipe, call, run, environment or device
wrong; 3 command refused or not taken; 75 preempted; 130 interrupted: the engine goes on."""


class Commands(TyperGroup):
    """All commands, with the one place where an error becomes a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        from acceltui.launch.call import LaunchError
        from acceltui.recipe.errors import RecipeError
        from acceltui.runs.paths import RunError
        from acceltui.runs.text import clean, clean_lines

        try:
            return super().invoke(ctx)
        except (RecipeError, RunError) as error:
            typer.echo(clean_lines(str(error)), err=True)
            raise typer.Exit(2) from None
        except LaunchError as error:
            typer.echo(clean_lines(str(error)), err=True)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            typer.echo(clean(f"{error.filename or 'A file'} cannot be used: {error.strerror}."), err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    name="accel",
    cls=Commands,
    help="Trains transformer policies in online reinforcement learning.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
for command in (
    run.run,
    run.attach,
    serve.serve,
    run.resume,
    run.fork,
    sweep.sweep,
    sweep.sweeps,
    look.ls,
    look.status,
    look.log,
    look.events,
    look.metrics,
    compare.compare,
    recipes.recipe,
    control.switch,
    control.stop,
    control.pause,
    control.unpause,
    evaluate.evaluate,
    control.checkpoint,
    tidy.rm,
    tidy.gc,
    recipes.validate,
    recipes.plan,
):
    app.command()(command)
for say in (notes.tag, notes.note):
    # What looks like an option is a tag to take away, or a note; `-h` as well.
    app.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})(say)
app.add_typer(recipes.app, name="recipes")
app.command()(recipes.schema)
app.command()(doctor.doctor)
app.command()(settings.settings)
app.command()(run.demo)


def print_version(wanted: bool) -> None:
    """Answer --version."""
    if wanted:
        typer.echo(f"accel {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=print_version, is_eager=True, help="Version.")] = False,
) -> None:
    """Options of `accel` itself."""


def main() -> None:
    """The console script."""
    # A reader that has seen enough (`| head`) ends a command the way it ends every Unix program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    app(prog_name="accel")
