from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def test_ensure_display_raises_without_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NoDisplayError, match="no display"):
        ensure_display()


def test_program_without_a_display_exits_with_one_sentence() -> None:
    assert_refused(start("from app.cli.commands import main; raise SystemExit(main([]))"), "there is no display")


def test_qt_and_torch_are_not_imported_without_a_display() -> None:
    code = "import sys; from app.cli.commands import main; main([]); print({'PySide6', 'torch'} & set(sys.modules))"
    assert start(code).stdout == "set()\n"


def test_unreachable_x_display_is_reported() -> None:
    result = start(DISPLAY=":5977")
    has_library = "libxcb-cursor0 is needed" not in result.stderr
    assert_refused(result, "could not connect to display :5977" if has_library else "Qt could not open a window")


def test_unreachable_wayland_display_is_reported(tmp_path: Path) -> None:
    # Without a folder of its sockets, the Wayland library itself prints a line first.
    assert_refused(start(WAYLAND_DISPLAY="wayland-77", XDG_RUNTIME_DIR=str(tmp_path)), "Qt could not open a window")


def test_unknown_qt_platform_is_reported() -> None:
    assert_refused(start(QT_QPA_PLATFORM="nonsense"), "nonsense")


def test_missing_shared_library_names_the_debian_packages() -> None:
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


def test_qt_messages_after_startup_are_printed() -> None:
    result = start(QT_QPA_PLATFORM="offscreen")
    assert result.returncode == 0
    assert result.stdout == "started\n"
    assert result.stderr == "a later word\n"
