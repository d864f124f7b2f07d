"""Pictures of a film: the stage, frame by frame, off the screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple, final

from PySide6.QtCore import QMessageLogContext, QSize, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from app.film.job import FilmJob, FilmScene
from app.stage.stage import Stage
from app.theme import theme
from app.theme.sizes import sizes
from core.runs.results import Results
from core.snapshot.snapshot import Snapshot

_SCALING = ("QT_SCALE_FACTOR", "QT_SCREEN_SCALE_FACTORS", "QT_FONT_DPI", "QT_QPA_GENERIC_PLUGINS")
"""Variables of a desktop by which pictures would differ."""
_SCHEMES = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}


def offscreen_application() -> QApplication:
    """Return an application that needs no display, the same on every desktop, or the one that is there already."""
    present = QApplication.instance()
    if isinstance(present, QApplication):
        return present
    for name in _SCALING:
        os.environ.pop(name, None)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    qInstallMessageHandler(_say)
    application = QApplication(["mismatch-lab"])
    theme.install(application)
    return application


def _say(_kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    """Print what Qt has to say, but for what a platform without a screen cannot do."""
    if not message.startswith("This plugin does not support"):
        print(message, file=sys.stderr, flush=True)


@final
class Picture(NamedTuple):
    """One picture of a film."""

    pixels: bytes
    """Rows from the top, each pixel as blue, green, red, unused; the same object where nothing has changed."""
    snapshot: Snapshot
    """Snapshot of the picture."""


@final
class Pictures:
    """Maker of the pictures of a film; an application must be there, whose theme and sizes it sets.

    Args:
        job: the film.
        run: returns the complete results of a scene's scenario.
    """

    def __init__(self, job: FilmJob, run: Callable[[FilmScene], Results]) -> None:
        theme.scheme.choose(_SCHEMES[job.theme])
        sizes.choose(text=job.text, line=job.line)
        self.job = job
        self._run = run
        self._scene: FilmScene | None = None
        self._stage: Stage | None = None

    def all(self) -> Iterator[Picture]:
        """Return every picture, in order."""
        last: tuple[object, ...] = ()
        pixels = b""
        for scene in self.job.scenes:
            snapshots: dict[int, Snapshot] = {}
            for frame, is_moving in scene.frames(self.job.fps):
                if last != (id(scene), frame, is_moving):
                    last = id(scene), frame, is_moving
                    pixels = self.at(scene, frame, is_moving=is_moving)
                if frame not in snapshots:
                    snapshots[frame] = scene.snapshot(scene.scenario.schedule.steps - frame)
                yield Picture(pixels, snapshots[frame])

    def some(self, places: list[int]) -> list[bytes]:
        """Return the pixels at some places of the film, in rising order."""
        shown = [(scene, *each) for scene in self.job.scenes for each in scene.frames(self.job.fps)]
        return [self.at(shown[place][0], shown[place][1], is_moving=shown[place][2]) for place in places]

    def at(self, scene: FilmScene, frame: int, *, is_moving: bool) -> bytes:
        """Return the pixels of a scene at a run's frame."""
        stage = self._staged(scene)
        stage.show_frame(frame, is_moving=is_moving)
        return _packed(stage.image(QSize(self.job.width, self.job.height)))

    def _staged(self, scene: FilmScene) -> Stage:
        """Return the stage of a scene, a new one for each: no picture depends on others before it."""
        if self._stage is None or scene is not self._scene:
            self.close()
            self._stage, self._scene = Stage(scene.what), scene
            self._stage.set_words(scene.heading, scene.caption)
            self._stage.apply(scene.view)
            self._stage.show_results(self._run(scene))
        return self._stage

    def close(self) -> None:
        """Let go of the stage."""
        if self._stage is not None:
            self._stage.close()
            self._stage.deleteLater()
        self._stage = self._scene = None


def _packed(image: QImage) -> bytes:
    """Return the pixels without padding: rows of 32-bit pixels have none."""
    return bytes(image.constBits())
