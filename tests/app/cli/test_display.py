from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.cli.display import DEBIAN_PACKAGES, HEADLESS, NoDisplayError, ensure_display

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays are looked for on Linux only")

START = """
from app.cli.display import ensure_display
ensure_display()
from PySide6.QtCore import qWarning
from PySide6.QtWidgets import QApplication
application = QApplication([])
qWarning("a later word")
print("started")
"""


def start(code: str = START, **environment: str) -> subprocess.CompletedProcess[str]:
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def assert_refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    for word in (HEADLESS, *words):
        assert word in result.stderr


def test_no_display_is_refused_before_qt_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NoDisplayError, match="no display"):
        ensure_display()


def test_no_display() -> None:
    assert_refused(start("from app.cli.commands import main; raise SystemExit(main([]))"), "there is no display")


def test_nothing_of_qt_or_torch_is_loaded_without_a_display() -> None:
    code = "import sys; from app.cli.commands import main; main([]); print({'PySide6', 'torch'} & set(sys.modules))"
    assert start(code).stdout == "set()\n"


def test_display_that_does_not_answer() -> None:
    assert_refused(start(DISPLAY=":77"), "could not connect to display :77")


def test_display_that_does_not_answer_behind_wayland() -> None:
    assert_refused(start(WAYLAND_DISPLAY="wayland-77"), "Qt could not open a window")


def test_platform_that_is_not_there() -> None:
    assert_refused(start(QT_QPA_PLATFORM="nonsense"), "nonsense")


def test_missing_library() -> None:
    code = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "PySide6.QtCore":
            raise ImportError("libEGL.so.1: cannot open shared object file: No such file or directory")
sys.meta_path.insert(0, Missing())
from app.cli.commands import main
raise SystemExit(main([]))
"""
    assert_refused(start(code, QT_QPA_PLATFORM="offscreen"), "libEGL.so.1", DEBIAN_PACKAGES)


def test_later_messages_are_printed() -> None:
    result = start(QT_QPA_PLATFORM="offscreen")
    assert result.returncode == 0
    assert result.stdout == "started\n"
    assert result.stderr == "a later word\n"
