"""Environment of every test: Qt's offscreen platform with a large screen, one torch thread, compiled modules kept."""

from __future__ import annotations

import os
from pathlib import Path

_SCREEN = Path(__file__).parent / "data" / "offscreen.json"
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if os.environ["QT_QPA_PLATFORM"] == "offscreen":
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={_SCREEN}"
# Small tensors gain nothing from a second thread, and lose much on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Otherwise every process that a test starts compiles all modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
