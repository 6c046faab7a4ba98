"""`accel serve` as whoever has the address meets it, and whoever has not: real requests, real processes."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import psutil
import pyte
import pytest

from tests.e2e.conftest import ACCEL, eventually
from tests.e2e.serving import Server, commands_of, is_alive, kill, start_run
from tests.e2e.terminal.screen import UNKNOWN, Terminal

Serve = Callable[..., Server]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A runs folder with a run that goes on."""
    process, _ = start_run(tmp_path / "runs")
    yield tmp_path / "runs"
    kill(process)


@pytest.fixture
def serve(root: Path) -> Iterator[Serve]:
    """Starts servers, and ends them."""
    started: list[Server] = []

    def start(*words: str) -> Server:
        started.append(Server.start(root, *words))
        return started[-1]

    yield start
    for server in started:
        kill(server.process)


async def see(socket: aiohttp.ClientWebSocketResponse, wanted: str, columns: int = 120, rows: int = 40) -> pyte.Screen:
    """Read what a page would draw until it shows a text."""
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    while wanted not in "\n".join(screen.display):
        message = await socket.receive(timeout=60)
        assert message.type is aiohttp.WSMsgType.BINARY, (message, *screen.display)
        stream.feed(UNKNOWN.sub(b"", message.data))
    return screen


async def end_of(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """Read until the server closes a page; gives the code that says why."""
    while (await socket.receive(timeout=30)).type is aiohttp.WSMsgType.BINARY:
        pass
    return socket.close_code


def websocket_of(server: Server) -> str:
    return f"ws://{server.host}{server.path}ws?width=120&height=40"


def test_only_the_whole_address_opens_it(serve: Serve) -> None:
    server = serve()
    secret = server.path.strip("/")
    assert len(secret) >= 32
    wrong = ("/", "/ws", "/static/js/textual.js", "/page/page.css", f"/{secret[:-1]}/", f"/{secret}x/", "/" + "x" * 32)
    for path in (*wrong, f"/?token={secret}", f"//{secret}/"):
        status, headers, text = server.get(path)
        assert (status, secret in text) == (403, False), path
        assert headers["X-Content-Type-Options"] == "nosniff"
    for path in ("", "static/js/textual.js", "page/page.css"):
        assert server.get(server.path + path)[0] == 200
    assert server.get(f"{server.path}static/../../server.py")[0] == 404
    assert server.get(f"{server.path}static/")[0] == 403, "no list of files"


def test_a_name_that_was_pointed_here_is_refused(serve: Serve) -> None:
    server = serve()
    for host in ("evil.example", "127.0.0.1.evil.example:80", "x@127.0.0.1", "", "evil.example:8000/127.0.0.1"):
        assert server.get(server.path, {"Host": host})[0] == 403, host
    for host in ("localhost:9000", "127.0.0.1:9000", "[::1]:9000", f"{socket.gethostname()}:1"):  # through a tunnel
        status, headers, page = server.get(server.path, {"Host": host})
        assert status == 200 and f"ws://{host.lower()}/" in page.lower() + headers["Content-Security-Policy"].lower()


async def test_the_websocket_is_for_its_own_page_alone(serve: Serve) -> None:
    server = serve()
    own = f"http://{server.host}"
    other_port = f"http://127.0.0.1:{int(server.host.split(':')[1]) ^ 1}"
    async with aiohttp.ClientSession() as session:
        for origin in ("http://evil.example", other_port, own.replace("http", "https"), "null", None):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(websocket_of(server), headers={"Origin": origin} if origin else {})
            assert refused.value.status == 403, origin
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"ws://{server.host}/ws", headers={"Origin": own})
        assert server.tabs() == []
        async with session.ws_connect(websocket_of(server), headers={"Origin": own}) as page:
            screen = await see(page, "Detach")
    assert "halfcheetah_pomdp s1  read-only" in screen.display[0] and "Switch" not in screen.display[-1]


async def test_what_a_page_sends_may_be_nonsense(serve: Serve) -> None:
    server = serve()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(websocket_of(server), headers={"Origin": f"http://{server.host}"}) as page,
    ):
        await see(page, "Detach")
        for nonsense in ("{}", "[]", '["resize", {"width": "x", "height": 1e9}]', '["stdin", 1]', '["exit"]'):
            await page.send_str(nonsense)
        await page.send_str('["resize", {"width": 120, "height": 40}]')
        await page.send_str('["stdin", "?"]')
        await see(page, "Key bindings")


def test_nothing_that_is_served_names_another_place(serve: Serve) -> None:
    """What a page fetches, it fetches from here; the policy has the browser refuse the rest."""
    server = serve()
    _, headers, page = server.get(server.path)
    styles = [server.get(server.path + path)[2] for path in re.findall(r'href="([^"]+\.css)"', page)]
    assert len(styles) == 2
    for text in (page, *(re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL) for style in styles)):
        named = re.findall(r"(?:https?|wss?):[^\s\"')]+|[\"'(]//[^\s\"')]+", text)
        assert all(place.startswith(f"ws://{server.host}{server.path}") for place in named), named
    rules = dict(rule.split(maxsplit=1) for rule in headers["Content-Security-Policy"].split("; "))
    assert rules.pop("img-src") == "data:" and rules.pop("style-src") == "'self' 'unsafe-inline'"
    assert rules.pop("connect-src") == f"'self' ws://{server.host}"
    assert set(rules.values()) == {"'none'", "'self'"} and rules["default-src"] == rules["frame-ancestors"] == "'none'"


async def test_a_dashboard_that_hangs_ends_nevertheless(serve: Serve) -> None:
    server = serve()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(websocket_of(server), headers={"Origin": f"http://{server.host}"}) as page,
    ):
        await see(page, "Detach")
        (tab,) = server.tabs()
        tab.suspend()
        await page.close()
        eventually(lambda: not is_alive(tab.pid), 60)


@pytest.mark.parametrize("by", ["tab", signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_a_dashboard_ends_with_its_tab_and_with_the_server(serve: Serve, by: str | signal.Signals) -> None:
    server = serve()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(websocket_of(server), headers={"Origin": f"http://{server.host}"}) as page,
    ):
        await see(page, "Detach")
        await page.send_str('["stdin", "?"]')  # under the help nothing is drawn, so nothing tells that nobody reads
        await see(page, "Key bindings")
        (tab,) = server.tabs()
        if isinstance(by, signal.Signals):
            assert server.end(by) == (-by if by is signal.SIGKILL else 0)
            if by is not signal.SIGKILL:
                assert await end_of(page) == aiohttp.WSCloseCode.GOING_AWAY
                assert server.process.stdout and server.process.stdout.read().endswith("engines go on.\n")
        else:
            await page.close()
        eventually(lambda: not is_alive(tab.pid), 30)
    if by == "tab":
        assert server.get(server.path)[0] == 200 and server.tabs() == []


async def test_a_dashboard_that_ends_closes_its_page(serve: Serve) -> None:
    server = serve()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(websocket_of(server), headers={"Origin": f"http://{server.host}"}) as page,
    ):
        await see(page, "Detach")
        os.kill(server.tabs()[0].pid, signal.SIGKILL)
        assert await end_of(page) == aiohttp.WSCloseCode.OK


def test_it_listens_on_loopback_unless_told_and_says_who_can_do_what(serve: Serve) -> None:
    def listens(server: Server) -> set[str]:
        connections = psutil.Process(server.process.pid).net_connections()
        return {one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN}

    mine, everyones = serve(), serve("--host", "0.0.0.0", "--control")
    assert listens(mine) == {"127.0.0.1"} and listens(everyones) == {"0.0.0.0"}
    assert "to watch only" in mine.said and "with all keys" in everyones.said
    assert mine.address != everyones.address
    assert mine.end() == everyones.end() == 0
    rest = [server.process.stdout.read() for server in (mine, everyones) if server.process.stdout]
    port = mine.host.split(":")[1]
    assert f"ssh -N -L {port}:localhost:{port} " in rest[0] and "Ctrl+C ends it" in rest[0]
    assert "unencrypted" in rest[1] and "steer" in rest[1] and "ssh" not in rest[1]


def test_what_cannot_be_is_told_in_a_sentence(root: Path) -> None:
    def say(*words: str, start: str = "") -> str:
        call = [sys.executable, "-c", start + "from acceltui.cli import main; main()", "serve", "--runs-dir", str(root)]
        done = subprocess.run([*call, *words], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done
        return done.stderr

    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "is taken: give another --port" in say("--port", str(taken.getsockname()[1]))
    assert "No run in" in say("nosuch")
    assert "of nosuch.invalid cannot be listened at" in say("--host", "nosuch.invalid")
    assert "pip install 'acceltui[serve]'" in say(start="import sys; sys.modules['textual_serve'] = None; ")


def test_a_terminal_can_watch_only_as_well(root: Path) -> None:
    terminal = Terminal([*ACCEL, "attach", "--read-only", "--runs-dir", str(root)], root, columns=160)
    try:
        terminal.wait_for("Detach", 60)
        assert "read-only" in terminal.screen.display[0] and "Switch" not in terminal.screen.display[-1]
        terminal.press("sq")
        assert terminal.wait_for_end(30) == 0
    finally:
        terminal.close()
    assert commands_of(next(root.iterdir())) == []


def test_the_help_says_what_it_is_for() -> None:
    done = subprocess.run([*ACCEL, "serve", "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert "--control" in done.stdout and "--host" in done.stdout and "plain HTTP" in " ".join(done.stdout.split())
