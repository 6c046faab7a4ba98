"""`accel serve` in a real Chromium without a window: what it draws, what keys do, and that it asks nobody else."""

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte
import pytest
from PIL import Image

from acceltui.tui.palette import BACKGROUND, BLUE, ORANGE, SURFACE
from tests.e2e.conftest import eventually
from tests.e2e.serving import Server, commands_of, kill, start_run
from tests.e2e.terminal.screen import UNKNOWN

sync_api = pytest.importorskip("playwright.sync_api")

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
ALONE = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --host-resolver-rules=MAP_*_~NOTFOUND,EXCLUDE_127.0.0.1"
)
"""Switches; the last leaves it no way to anywhere else."""
SIZE = {"width": 1285, "height": 805}
"""Not a multiple of a cell."""

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="there is no Chromium: `scripts/system-packages.sh --install-tests` installs one"
)


class Visitor:
    """A page in a browser, and all that it said, asked for and was sent."""

    def __init__(self, page: "sync_api.Page", server: Server) -> None:
        self.page, self.server = page, server
        self.asked: list[str] = []
        self.trouble: list[str] = []
        self._drawn = pyte.Screen(400, 200)
        self._stream = pyte.ByteStream(self._drawn)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("console", lambda said: self.trouble.append(said.text) if said.type == "error" else None)
        page.on("websocket", self._listen)
        page.goto(server.address)

    def _listen(self, websocket: "sync_api.WebSocket") -> None:
        self.asked.append(websocket.url)
        websocket.on("framereceived", self._take)

    def _take(self, sent: str | bytes) -> None:
        if isinstance(sent, bytes):
            self._stream.feed(UNKNOWN.sub(b"", sent))

    @property
    def text(self) -> str:
        """What the page was sent to draw."""
        return "\n".join(line.rstrip() for line in self._drawn.display).rstrip()

    def wait_for(self, wanted: str) -> None:
        """Wait until that is on the screen."""
        for _ in range(600):
            if wanted in self.text:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{wanted} is not shown; {self.trouble}\n{self.text}")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def picture(self) -> Image.Image:
        """What a person sees, once it has been drawn."""
        self.page.wait_for_timeout(500)
        return Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Path]:
    """A run in stage accelerate that takes commands."""
    process, folder = start_run(tmp_path / "runs")
    yield folder
    kill(process)


@pytest.fixture
def visit(run: Path) -> Iterator[Callable[..., Visitor]]:
    """Serves the run, and opens its address."""
    servers: list[Server] = []
    switches = [switch.replace("_", " ") for switch in ALONE.split()]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER, args=switches, ignore_default_args=["--hide-scrollbars"]
        )

        def open_page(*words: str) -> Visitor:
            servers.append(Server.start(run.parent, *words))
            return Visitor(browser.new_page(viewport=SIZE), servers[-1])

        yield open_page
        browser.close()
    for server in servers:
        kill(server.process)


def count(picture: Image.Image, color: str) -> int:
    """Pixels of just that colour."""
    wanted = tuple(bytes.fromhex(color.strip("#")))
    return sum(pixel == wanted for pixel in picture.get_flattened_data())


def test_the_dashboard_is_drawn_and_asks_nobody_else(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    visitor = visit()
    visitor.wait_for("3 Cloning loss")
    visitor.wait_for("RUNNING")
    dashboard = visitor.picture()
    dashboard.save(tmp_path / "serve.png")
    assert visitor.page.title() == "accel: halfcheetah_pomdp s1"
    assert "read-only" in visitor.text and "Switch" not in visitor.text.splitlines()[-1]

    assert dashboard.size == tuple(SIZE.values())
    width, height = dashboard.size
    assert count(dashboard, BLUE) > 1000 and count(dashboard, ORANGE) > 300, "the curves"
    assert count(dashboard, BACKGROUND) > 0.7 * width * height
    edge = [dashboard.getpixel((x, y)) for x in (0, width - 1) for y in range(0, height, 50)]
    edge += [dashboard.getpixel((x, y)) for y in (0, height - 1) for x in range(0, width, 50)]
    assert {f"#{bytes(pixel).hex()}" for pixel in edge} == {BACKGROUND}, "no border, nothing that scrolls"
    for text in ("A", "\u28ff"):
        assert visitor.page.evaluate("text => document.fonts.check('14px \"Roboto Mono\"', text)", text)

    assert {"textual.js", "braille.woff"} <= {url.rpartition("/")[2] for url in visitor.asked}
    own = [f"{scheme}://{visitor.server.host}{visitor.server.path}" for scheme in ("http", "ws")]
    assert all(url.startswith((*own, "data:")) for url in visitor.asked), visitor.asked
    assert visitor.trouble == []

    visitor.press("?")
    visitor.wait_for("Key bindings")
    helped = visitor.picture()
    assert count(dashboard, SURFACE) < 1000 and count(helped, SURFACE) > 200_000, "the dialog"

    visitor.press("?", "q")
    visitor.page.get_by_text("Open it again").click()
    visitor.wait_for("RUNNING")


def test_who_only_watches_has_no_key_that_writes(visit: Callable[..., Visitor], run: Path) -> None:
    before = sorted(file.relative_to(run) for file in run.rglob("*") if not file.name.startswith("."))
    visitor = visit()
    visitor.wait_for("RUNNING")
    visitor.press(*"specx", "y", "?")
    visitor.wait_for("Key bindings")
    assert "Cancel" not in visitor.text and "pause, or go on" not in visitor.text and "the engine's log" in visitor.text
    visitor.press("?", "R")
    visitor.wait_for("1 running")
    visitor.press("f", "T", *"+mine", "Enter")  # without the field that T opens, Enter attaches
    visitor.wait_for("Detach")
    assert commands_of(run) == []
    assert sorted(file.relative_to(run) for file in run.rglob("*") if not file.name.startswith(".")) == before


def test_with_control_keys_steer_the_run(visit: Callable[..., Visitor], run: Path) -> None:
    visitor = visit("--control")
    visitor.wait_for("s Switch")
    assert "read-only" not in visitor.text
    visitor.press("s")
    visitor.wait_for("Switch to stage online now?")
    assert commands_of(run) == []
    visitor.press("y")
    eventually(lambda: commands_of(run) == ["switch"], 30)
    visitor.wait_for("stage 2/2 online")
