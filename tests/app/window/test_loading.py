"""Plug-in files whose code does not end: announced while they load, and given up on request."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.files import plugins
from app.window.window import MainWindow
from core.plugins.loader import fingerprint

Window = Callable[..., MainWindow]


@pytest.mark.parametrize("gives_up", [True, False])
def test_slow_plugin_load_is_announced_and_can_be_given_up(
    gives_up: bool, window: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "_PATIENCE_MS", 50)
    flag, path = tmp_path / "flag", tmp_path / "slow.py"
    path.write_text(
        "import time\nfrom pathlib import Path\nnow = time.monotonic()\n"
        f"while not Path({str(flag)!r}).exists() and time.monotonic() < now + 20:\n    time.sleep(0.01)\n"
        "def _unused(): pass\n"
    )
    made = window(home=tmp_path / "home")
    made.settings.trust(fingerprint(path.read_bytes()))
    made.files.plugins.open(path)
    banner = made.banner
    qtbot.waitUntil(lambda: banner._offer.isVisible() and "slow.py is still loading" in banner._words.text())
    if gives_up:
        (button,) = [each for each in banner.findChildren(QPushButton) if each.text() == "Cancel"]
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert "was not loaded" in banner._error.text()
        flag.touch()
    else:
        flag.touch()
        qtbot.waitUntil(lambda: "must define one sampler" in banner._error.text())
    assert not banner._offer.isVisible()
    made.files.plugins.close()


def test_command_line_announces_a_slow_plugin_load_and_can_be_interrupted(tmp_path: Path) -> None:
    (tmp_path / "loops.py").write_text("import time\nwhile True:\n    time.sleep(0.01)\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "list", "--plugin", str(tmp_path / "loops.py")],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    assert "loops.py is still loading" in process.stderr.readline()
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert "interrupted" in process.communicate(timeout=30)[1]
    assert process.returncode == 130
