"""The command that shows the dashboard in a browser: serve."""

from typing import Annotated

import typer

from acceltui.cli.parameters import Run, RunsDir

LOOPBACK = ("127.0.0.1", "::1", "localhost")
EVERYWHERE = ("0.0.0.0", "::", "")


def serve(
    run: Run = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 for any port that is free.")] = 8000,
    host: Annotated[
        str,
        typer.Option(help="An address of this computer, for others to reach it; without encryption (plain HTTP)."),
    ] = "127.0.0.1",
    control: Annotated[
        bool, typer.Option("--control", help="Have the keys that switch, stop, fork; without it one can only watch.")
    ] = False,
    runs_dir: RunsDir = None,
) -> None:
    """Show the dashboard in a browser.

    Only this computer reaches it, only with the address that is printed, and only to watch, unless you say otherwise.
    """
    import errno
    import secrets
    from importlib.util import find_spec

    from acceltui.runs.paths import RunError, find_run, runs_root
    from acceltui.tui.app import chosen_settings

    root = runs_root(runs_dir)
    folder = find_run(run, root)
    chosen_settings()
    if find_spec("textual_serve") is None:
        raise RunError("`accel serve` needs textual-serve, which is not installed: `pip install 'acceltui[serve]'`.")
    from acceltui.serve import server

    try:
        listening = server.listen(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise RunError(f"Port {port} of {host} is taken: give another --port, or 0 for any that is free.") from None
        why = str(error.strerror).partition(" (")[0]
        raise RunError(f"Port {port} of {host} cannot be listened at: {why}.") from None
    secret = secrets.token_urlsafe(24)
    for line in greeting(folder.name, host, listening.getsockname()[1], secret, control):
        typer.echo(line)
    server.serve(folder, root, listening, host, secret, control=control)


def greeting(name: str, host: str, port: int, secret: str, control: bool) -> list[str]:
    """Where the dashboard is, and who can do what there."""
    from acceltui.runs.status import this_host

    here = this_host() if host in EVERYWHERE else host
    path = f"{port}/{secret}/"
    lines = [
        f"{name} in a browser, {'with all keys' if control else 'to watch only'}:",
        "",
        f"    http://{f'[{here}]' if ':' in here else here}:{path}",
        "",
    ]
    if host in LOOPBACK:
        tunnel = f"ssh -N -L {port}:localhost:{port} {this_host()}"
        lines += [f"From another computer, first: {tunnel}"]
    else:
        may = "steer" if control else "watch"
        lines += [f"Whoever reaches {here} and has this address can {may}; it goes over the network unencrypted."]
    return [*lines, "Ctrl+C ends it; engines go on."]
