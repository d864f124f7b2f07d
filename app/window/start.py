"""Start of the window: application, theme, termination signals, removal of old temporary files."""

from __future__ import annotations

import gc
import sys
import threading
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.run.end_signals import EndSignals
from app.run.process import end, reserve_interface_core
from app.settings import user_folder
from app.theme import theme
from app.window.window import MainWindow
from core.scenario.scenario import Scenario
from core.snapshot.snapshot import Snapshot
from core.system.leftovers import remove_leftovers
from core.system.stop import stop


def open_window(scenario: Scenario, path: Path | None, snapshot: Snapshot | None = None) -> int:
    """Open the window, run the event loop, and return the exit status.

    Args:
        scenario: shown first.
        path: its file.
        snapshot: of this scenario, or of another page.
    """
    reserve_interface_core()
    # torch leaves a heap whose every full collection would stop the interface for a tenth of a second.
    gc.freeze()
    gc.enable()
    application = QApplication(sys.argv[:1])
    application.setApplicationName("Mismatch Lab")
    application.setOrganizationName("Mismatch Lab")
    signals = EndSignals(application)
    theme.install(application)
    window = MainWindow(scenario, path, user_folder())
    signals.came.connect(window.leave)
    window.snapshots.show_first(snapshot)
    window.show()
    folders = [*window.settings.recent_folders, *([path.absolute().parent] if path else [])]
    threading.Thread(target=remove_leftovers, args=(folders,), name="mismatch-lab-leftovers", daemon=True).start()
    window.help.welcome(window.settings)
    status = application.exec()
    signals.close()
    if stop.signal is not None:
        stop.say()
    return end(status)
