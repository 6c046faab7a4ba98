"""The server: a page and a websocket for whoever has the address, and for each tab a dashboard in a process of its own.

On a shared machine loopback is everybody's, so there is a secret in the address. It is in the path, not in a cookie: a
browser sends cookies to every port of a host, be it another user's. How a dashboard and a page talk is textual-serve's.
"""

import asyncio
import contextlib
import hmac
import html
import ipaddress
import re
import shlex
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from string import Template
from typing import Any

import textual_serve
from aiohttp import WSCloseCode, WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

import acceltui
from acceltui.runs.folder import RunFolder
from acceltui.runs.paths import run_title
from acceltui.runs.status import this_host

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PAGE = Path(__file__).with_name("page")
SCRIPTS = Path(textual_serve.__file__).with_name("static")
DASHBOARD = "import sys; sys.path.insert(0, sys.argv.pop(1)); from acceltui.tui.browser import main; main()"
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.ASCII)
LEAVE_WITHIN = 3.0
"""Seconds in which a dashboard whose tab is closed ends by itself."""
LARGEST = 1000
"""Columns or rows of a terminal."""
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src data:; "
    "connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The terminal's script writes its colours and sizes into the page: its styles are inline."""


class Tab(AppService):
    """The process that one tab shows."""

    async def run(self) -> None:
        await super().run()
        await self.remote_close()  # ended by itself, or killed

    async def leave(self) -> None:
        """End the process, and wait until it is gone; one that does not listen is killed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop(), LEAVE_WITHIN)
        assert self._process is not None
        self.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), LEAVE_WITHIN)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Site:
    """What is served below `/secret/`, and to nobody else."""

    def __init__(self, dashboard: Sequence[str], title: str, secret: str, name: str) -> None:
        """`dashboard`: the command of a tab; `name`: what this computer is called in an address, beside localhost."""
        self._dashboard, self._title, self._secret = shlex.join(dashboard), title, secret
        self._names = {name.lower(), "localhost", this_host().lower()}
        self._sockets: set[web.WebSocketResponse] = set()

    def application(self) -> web.Application:
        """All of it, for aiohttp to run."""
        app = web.Application(middlewares=[self._guard])
        root = f"/{self._secret}"
        app.router.add_get(f"{root}/", self._page)
        app.router.add_get(f"{root}/ws", self._tab)
        app.router.add_static(f"{root}/static", SCRIPTS)
        app.router.add_static(f"{root}/page", PAGE)
        app.on_response_prepare.append(add_headers)
        app.on_shutdown.append(self._close)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse whoever has not the address, and pages of elsewhere that had a name point here (DNS rebinding)."""
        host = host_of(request.headers.get("Host", ""))
        secret = request.path.split("/")[1]
        if host is None or not (host in self._names or is_address(host)):
            raise web.HTTPForbidden(text="This name is not served here: open the address that `accel serve` printed.\n")
        if not hmac.compare_digest(secret.encode(), self._secret.encode()):
            raise web.HTTPForbidden(text="Open the whole address that `accel serve` printed.\n")
        return await handler(request)

    async def _page(self, request: web.Request) -> web.Response:
        page = Template((PAGE / "index.html").read_text())
        websocket = f"ws://{request.host}/{self._secret}/ws"
        text = page.substitute(title=html.escape(self._title), websocket=html.escape(websocket))
        return web.Response(text=text, content_type="text/html")

    async def _tab(self, request: web.Request) -> web.StreamResponse:
        """Run a dashboard until its tab is closed."""
        if request.headers.get("Origin", "").lower() != f"http://{request.host}".lower():
            raise web.HTTPForbidden(text="Another page may not show this.\n")
        websocket = web.WebSocketResponse(heartbeat=15)
        await websocket.prepare(request)
        tab = Tab(
            f"exec {self._dashboard}",
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=websocket.close,  # type: ignore[arg-type]
            download_manager=DownloadManager(),
        )
        await tab.start(*(cells(request.query.get(side), usual) for side, usual in (("width", 80), ("height", 24))))
        self._sockets.add(websocket)
        try:
            async for message in websocket:
                if message.type == WSMsgType.TEXT:
                    await pass_on(message.json(), tab, websocket)
        finally:
            self._sockets.discard(websocket)
            await tab.leave()
        return websocket

    async def _close(self, _app: web.Application) -> None:
        await asyncio.gather(*(one.close(code=WSCloseCode.GOING_AWAY) for one in set(self._sockets)))


async def pass_on(message: Any, tab: Tab, websocket: web.WebSocketResponse) -> None:
    """Give a dashboard what its page says."""
    match message:
        case ["stdin", str(keys)]:
            await tab.send_bytes(keys.encode())
        case ["resize", {"width": width, "height": height}]:
            await tab.set_terminal_size(cells(width, 80), cells(height, 24))
        case ["ping", sent]:
            await websocket.send_json(["pong", sent])
        case ["focus"]:
            await tab.focus()
        case ["blur"]:
            await tab.blur()


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """What browsers are to refuse: anything from elsewhere, and being shown inside of another page."""
    response.headers.update(HEADERS)
    if host_of(request.headers.get("Host", "")):
        response.headers["Content-Security-Policy"] = POLICY.format(host=request.host)


def cells(given: Any, usual: int) -> int:
    """A width or height that a terminal can have."""
    try:
        return min(max(int(given), 1), LARGEST)
    except (TypeError, ValueError):
        return usual


def host_of(header: str) -> str | None:
    """The name or address in a `Host` header; None where it is none."""
    match = HOST.fullmatch(header.lower())
    return match[1].strip("[]") if match else None


def is_address(host: str) -> bool:
    """Whether this is no name, so that nobody can have pointed it here."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def listen(host: str, port: int) -> socket.socket:
    """A socket that browsers reach under this address; OSError where it cannot be had."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family)


def dashboard_call(folder: RunFolder, root: Path, *, control: bool) -> list[str]:
    """The command of a tab. `-P`: nothing is imported from where the server happens to be started."""
    source = str(Path(acceltui.__file__).parents[1])
    call = [sys.executable, "-P", "-c", DASHBOARD, source, str(folder.path.absolute()), str(root)]
    return [*call, "--control"] if control else call


def serve(folder: RunFolder, root: Path, listening: socket.socket, host: str, secret: str, *, control: bool) -> None:
    """Serve until SIGINT or SIGTERM."""
    site = Site(dashboard_call(folder, root, control=control), f"accel: {run_title(folder.name)}", secret, host)
    web.run_app(site.application(), sock=listening, access_log=None, print=None, shutdown_timeout=3 * LEAVE_WITHIN)
