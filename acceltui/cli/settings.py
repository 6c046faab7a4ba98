"""The command that shows what this user has set: settings."""

import json

import typer

from acceltui.cli.parameters import Json


def settings(as_json: Json = False) -> None:
    """Print where your settings are read from, and all of them."""
    from dataclasses import asdict

    import yaml

    from acceltui.runs.settings import load_settings, settings_path

    path = settings_path()
    values = asdict(load_settings())
    if as_json:
        typer.echo(json.dumps({"path": str(path), "exists": path.exists(), "settings": values}, indent=2))
    else:
        typer.echo(f"# {path}{'' if path.exists() else ' (not there: these are the defaults)'}")
        typer.echo(yaml.safe_dump(values, sort_keys=False, allow_unicode=True, default_flow_style=None), nl=False)
