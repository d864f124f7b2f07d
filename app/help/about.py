"""About dialog: versions of the product and its libraries, and the machine, for a bug report."""

from __future__ import annotations

import platform
from typing import final

import numpy as np
import pyqtgraph as pg
import PySide6
import torch
from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.widgets import heading, side_by_side
from core.version import product_version


def versions() -> dict[str, str]:
    """Return names and versions for a bug report."""
    return {
        "Mismatch Lab": product_version(),
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "Qt": qVersion(),
        "PySide6": PySide6.__version__,
        "pyqtgraph": pg.__version__,
        "numpy": np.__version__,
        "platform": f"{platform.platform()}, {QGuiApplication.platformName()}",
        "device": _device(),
    }


def _device() -> str:
    threads = torch.get_num_threads()
    cpu = f"{platform.machine()} CPU, {threads} thread{'s' if threads > 1 else ''}"
    return f"{torch.cuda.get_device_name()}, {cpu}" if torch.cuda.is_available() else cpu


@final
class AboutDialog(QDialog):
    """Dialog with versions and a copy button."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setWindowTitle("About Mismatch Lab")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._versions = versions()
        form = QFormLayout()
        form.setHorizontalSpacing(24)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        for name, version in self._versions.items():
            label, value = QLabel(name), QLabel(version, wordWrap=True)
            label.setProperty("role", "muted")
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            form.addRow(label, value)
        self.copy = QPushButton("Copy", toolTip="Copy the versions for a bug report")
        self.copy.clicked.connect(self._copy)
        title = heading("Mismatch Lab")
        theme.set_font(title, 18, "semibold")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(14)
        layout.addWidget(title)
        layout.addWidget(QLabel("See, measure and understand score-mismatched diffusion samplers."))
        layout.addLayout(form)
        layout.addLayout(side_by_side(self.copy))
        theme.set_length(self, "setMinimumWidth", 460)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(f"{name}: {value}" for name, value in self._versions.items()))
        self.copy.setText("Copied")
