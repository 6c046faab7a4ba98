"""A video of an episode, written while it is played."""

import os
import sys
from collections.abc import Callable
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from acceltui.engine.errors import SetupError

FRAMES_PER_SECOND = 30
"""Where the environment does not say."""


class Film:
    """A video file that takes its name when it is whole. It goes with the environment, into another process too."""

    def __init__(self, path: Path) -> None:
        """SetupError where what writes videos is not installed, or the file cannot be made."""
        if find_spec("imageio") is None or find_spec("imageio_ffmpeg") is None:
            message = "videos are written by imageio-ffmpeg, which is not installed here"
            raise SetupError("environment", "", message, "`pip install 'acceltui[video]'`")
        self.path = path
        # ffmpeg goes by how the name ends.
        self._part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
        try:
            self._part.touch()
        except OSError as error:
            raise SetupError("environment", "", f"{path} cannot be written: {error.strerror}") from error
        self._writer: Any = None

    def of(self, make: Callable[[], gymnasium.Env]) -> gymnasium.Env:
        """The environment that is filmed; `make` has it draw pictures."""
        return Filmed(make(), self)

    def add(self, frame: NDArray[np.uint8], frames_per_second: float) -> None:
        """One more picture (height, width, 3)."""
        import imageio.v2 as imageio

        if self._writer is None:
            # Pictures of an odd size are made one larger, which the codec needs.
            options: dict[str, Any] = {"fps": frames_per_second, "macro_block_size": 2, "ffmpeg_log_level": "error"}
            self._writer = imageio.get_writer(self._part, format="FFMPEG", mode="I", **options)
        self._writer.append_data(frame)

    def publish(self) -> None:
        """Nothing more comes: give it its name."""
        self._writer.close()
        self._writer = None
        self._part.replace(self.path)

    def close(self) -> None:
        """Leave nothing that is half written."""
        if self._writer is not None:
            self._writer.close()
        self._part.unlink(missing_ok=True)


class Filmed(gymnasium.Wrapper):
    """Films an environment's first episode, its first state and its last too."""

    def __init__(self, env: gymnasium.Env, film: Film) -> None:
        super().__init__(env)
        self._film, self._over = film, False
        self._speed = float(env.metadata.get("render_fps") or FRAMES_PER_SECOND)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        came = self.env.reset(seed=seed, options=options)
        self._look()
        return came

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take a step; the one that ends the episode ends the film."""
        came = self.env.step(action)
        self._look()
        if not self._over and (came[2] or came[3]):
            self._over = True
            self._film.publish()
        return came

    def _look(self) -> None:
        if self._over:
            return
        name = self.spec.id if self.spec else "the environment"
        try:
            frame = self.env.render()
        except Exception as error:  # whatever its author, or a missing driver, lets it raise
            message = f"{name} cannot be drawn: {' '.join(str(error).split()) or type(error).__name__}"
            raise SetupError("environment", "env.id", message, remedy(self.unwrapped)) from error
        if not (isinstance(frame, np.ndarray) and frame.ndim == 3):
            raise SetupError("environment", "env.id", f"{name} gives no picture when it is asked to draw itself")
        self._film.add(frame, self._speed)


def choose_gl() -> None:
    """Have MuJoCo draw without a display where there is none, unless the user has chosen. Before it is imported."""
    if sys.platform == "linux" and not any(map(os.environ.get, ("MUJOCO_GL", "DISPLAY", "WAYLAND_DISPLAY"))):
        os.environ["MUJOCO_GL"] = "egl" if find_library("EGL") else "osmesa"


def remedy(env: gymnasium.Env) -> str:
    """What to do where an environment cannot be drawn, if more is known than it says itself."""
    if not hasattr(env, "mujoco_renderer") or find_library("EGL"):
        return ""
    return "without a display, MuJoCo needs EGL: install libegl1"
