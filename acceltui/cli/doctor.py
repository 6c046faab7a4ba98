"""The command that looks at the machine: doctor."""

import json

import typer

from acceltui.cli.parameters import Json, RunsDir


def doctor(runs_dir: RunsDir = None, as_json: Json = False) -> None:
    """Say what this machine has for runs, and what to do about what it has not."""
    from dataclasses import asdict

    from acceltui.launch.doctor import examine
    from acceltui.runs.paths import runs_root

    checks = examine(runs_root(runs_dir))
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            remedy = f"; {check.remedy}" if check.remedy else ""
            typer.echo(f"{check.state:<7}  {check.name:<{width}}  {check.found}{remedy}")
    if any(check.needed and check.state == "missing" for check in checks):
        raise typer.Exit(2)
