"""Check for a display before Qt is started, since Qt aborts the process without one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtCore import QMessageLogContext, QtMsgType

HEADLESS = "to run without a window: mismatch-lab run SCENARIO --out DIR"
"""Hint that ends every error message."""
DEBIAN_PACKAGES = (
    "libegl1 libgl1 libglib2.0-0 libfontconfig1 libdbus-1-3 libxkbcommon-x11-0 libxcb-cursor0 "
    "libxcb-icccm4 libxcb-keysyms1 libxcb-randr0 libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0"
)
"""Debian packages that Qt needs for a window."""


class NoDisplayError(RuntimeError):
    """No window can be opened; the message says why and what to do instead."""


def ensure_display() -> None:
    """Check that a window can be opened; call before QApplication is created.

    A display that is set but does not answer is noticed only by QApplication: the process then ends with one sentence
    and exit status 2.

    Raises:
        NoDisplayError: there is no display, or Qt's libraries cannot be loaded.
    """
    if sys.platform.startswith("linux") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        raise NoDisplayError(f"there is no display to open a window on; {HEADLESS}")
    try:
        from PySide6 import QtCore, QtWidgets  # noqa: F401, PLC0415 - nothing of Qt loads before the check above
    except ImportError as error:
        raise NoDisplayError(
            f"Qt cannot be loaded ({_one_line(str(error))}); on Debian: apt-get install {DEBIAN_PACKAGES}; {HEADLESS}"
        ) from None
    QtCore.qInstallMessageHandler(_startup_handler())


def _startup_handler() -> Callable[[QtMsgType, QMessageLogContext, str], None]:
    """Return a Qt message handler that turns a failed start into one sentence and prints all other messages."""
    from PySide6.QtCore import QtMsgType, qFormatLogMessage  # noqa: PLC0415
    from PySide6.QtGui import QGuiApplication  # noqa: PLC0415

    reasons: list[str] = []

    def handle(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if kind == QtMsgType.QtFatalMsg:
            reason = _one_line([*reasons, message][0])
            _leave(f"mismatch-lab: Qt could not open a window ({reason}); {HEADLESS}")
        # Until there is a screen, Qt tries one platform plugin after another and warns about each; Wayland's warning
        # has no category.
        starting = QGuiApplication.primaryScreen() is None
        if starting and (context.category or "qt.qpa").startswith("qt.qpa") and kind != QtMsgType.QtDebugMsg:
            reasons.append(message)
        else:
            print(qFormatLogMessage(kind, context, message), file=sys.stderr, flush=True)

    return handle


def _leave(sentence: str) -> None:
    """Print a sentence and end the process at once, since Qt would abort it on return."""
    print(sentence, file=sys.stderr, flush=True)
    os._exit(2)


def _one_line(message: str) -> str:
    return " ".join(message.split()).rstrip(".")
