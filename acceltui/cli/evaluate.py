"""The command that evaluates: what a run has saved, or what its living engine has now."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from acceltui.cli.control import NoWait, command
from acceltui.cli.parameters import AllowImport, Json, Plain, Run, RunsDir, columns, one_form

EPISODES = 10
SEEDS = 2**31
"""From here on they are a run's own."""


class Policy(StrEnum):
    """Whose actions."""

    transformer = "transformer"
    accelerator = "accelerator"


def evaluate(
    run: Run = None,
    now: Annotated[
        bool, typer.Option("--now", help="Let the living engine do it, as part of its run; no other option has a say.")
    ] = False,
    episodes: Annotated[
        int | None, typer.Option(min=1, max=100_000, help=f"How many; {EPISODES} if not said.", show_default=False)
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="best, switch, last, or a step; the best if not said, or the last where there is none.",
            show_default=False,
        ),
    ] = None,
    policy: Annotated[
        Policy | None,
        typer.Option(help="The transformer if not said; of method accelerator, the accelerator.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=SEEDS - 1,
            help="Of the first episode; the next have those after it. If not said, always the same ones, which the run "
            "has not used.",
            show_default=False,
        ),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.mp4", help="Film the first episode, as the environment draws it.", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a video that is there.")] = False,
    allow_import: AllowImport = None,
    no_wait: NoWait = False,
    runs_dir: RunsDir = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Evaluate a policy that a run has saved, by itself; --now asks its living engine.

    Nothing is written into the run.
    """
    from acceltui.launch.evaluate import evaluate_run
    from acceltui.runs.paths import find_run, runs_root
    from acceltui.runs.text import clean

    one_form(as_json, plain)
    given = {
        "--episodes": episodes,
        "--checkpoint": checkpoint,
        "--policy": policy,
        "--seed": seed,
        "--video": video,
    }
    words = [f"{name}={value}" for name, value in given.items() if value is not None]
    if now:
        if words or force or allow_import:
            raise typer.BadParameter("--now has the living engine evaluate as its recipe says: leave the rest out.")
        command("evaluate", run, runs_dir, no_wait, as_json, plain)
        return
    if no_wait:
        raise typer.BadParameter("--no-wait is of use with --now alone.")
    if seed is not None and seed + (episodes or EPISODES) > SEEDS:
        raise typer.BadParameter(f"seeds from {seed} on do not suffice for so many episodes: they end below {SEEDS}.")
    folder = find_run(run, runs_root(runs_dir))
    check_video(video, force)
    if episodes is None:
        words.append(f"--episodes={EPISODES}")
    shown = Progress()
    try:
        found = evaluate_run(folder, words, allow_import or [], shown.show)
    finally:
        shown.clear()
    for note in found["notes"]:
        typer.echo(clean(f"Note: {note}."), err=True)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo(plain_row(found) if plain else describe(found))


def check_video(video: Path | None, force: bool) -> None:
    """Refuse a file that cannot become the video, before anything is evaluated."""
    from acceltui.runs.paths import RunError

    if video is None:
        return
    if video.suffix != ".mp4":
        raise RunError(f"{video} does not end in .mp4, which is what videos are written as.")
    if not video.parent.is_dir():
        raise RunError(f"There is no folder {video.parent} for the video: make it first.")
    if video.exists() and not force:
        raise RunError(f"{video} exists already: give another name, or --force to replace it.")


class Progress:
    """A line on a terminal that says how far it is, and goes again."""

    def __init__(self) -> None:
        self._shown = 0

    def show(self, line: str) -> None:
        """In the place of what was shown before, which was no longer."""
        if sys.stderr.isatty():
            from acceltui.runs.text import clean

            line = clean(line)
            self._shown = len(line)
            typer.echo(f"\r{line}", err=True, nl=False)

    def clear(self) -> None:
        """Take it away."""
        if self._shown:
            typer.echo(f"\r{' ' * self._shown}\r", err=True, nl=False)


def describe(found: dict[str, Any]) -> str:
    """An evaluation in a few lines."""
    from acceltui.runs.text import clean

    episodes, seed = len(found["episodes"]), found["seed"]
    said = {"return": spread(found["return"]), "length": spread(found["steps"])}
    if found["success"] is not None:
        said["success"] = f"{found['success']:.0%}, at the end {found['success_at_end']:.0%}"
    if found["video"]:
        said["video"] = found["video"]
    which = f"{found['policy']} of checkpoint {found['checkpoint']} ({', '.join(found['why'])})"
    seeds = f"seed {seed:,}" if episodes == 1 else f"seeds {seed:,} to {seed + episodes - 1:,}"
    many = f"{episodes:,} episode{'s' if episodes > 1 else ''}"
    lines = [f"  {name:<7}  {fact}" for name, fact in said.items()]
    return "\n".join(map(clean, [f"{found['run']}  {which}, {many} with {seeds}", *lines]))


def spread(values: dict[str, float | None]) -> str:
    """Mean, deviation and range of a list of numbers."""
    from acceltui.runs import wording

    shown = {name: "-" if value is None else wording.value(value) for name, value in values.items()}
    return "mean {mean}, deviation {std}, from {min} to {max}, median {median}".format(**shown)


def plain_row(found: dict[str, Any]) -> str:
    """One line of `--plain`: run, checkpoint, step, policy, episodes, first seed; mean, standard deviation, minimum,
    maximum and median of returns; mean length; share of success."""
    facts = (found[key] for key in ("run", "checkpoint", "step", "policy"))
    return columns(
        *facts,
        len(found["episodes"]),
        found["seed"],
        *found["return"].values(),
        found["steps"]["mean"],
        found["success"],
    )
