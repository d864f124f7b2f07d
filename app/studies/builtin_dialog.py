"""Dialog with the built-in studies by groups, each with its notes; the chosen one is opened as a copy."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.user_text import plain_label
from app.widgets.widgets import heading
from core.errors import ScenarioError
from core.studies.builtin import GROUPS, builtin_studies, load_builtin_study
from core.studies.knobs import find_knob
from core.studies.spectrum_metrics import ALL_METRICS
from core.studies.study import Study

_OTHERS = "Others"
_BESIDE_NAMES = 36
"""Width of the list beside its names: scroll bar, margins and frame, in pixels."""


@final
class BuiltinDialog(QDialog):
    """List of the built-in studies on the left, notes and contents of the chosen one on the right."""

    taken = Signal(object)
    """The Study that the user has chosen."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setWindowTitle("Built-in studies")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._studies: dict[str, Study] = {}
        self.tree = QTreeWidget(objectName="library")
        self.tree.setAccessibleName("Built-in studies")
        self.tree.setHeaderHidden(True)
        self.tree.setRootIsDecorated(False)
        self.tree.setIndentation(12)
        self.title, self.notes, self.facts = heading(""), plain_label(wordWrap=True), plain_label(wordWrap=True)
        self.title.setWordWrap(True)
        self.facts.setProperty("role", "muted")
        buttons = QDialogButtonBox()
        self.copy_it = buttons.addButton("Open a copy", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self._take)
        buttons.rejected.connect(self.reject)
        right = QVBoxLayout()
        right.setSpacing(10)
        for label in (self.title, self.notes, self.facts):
            right.addWidget(label)
        right.addStretch()
        right.addWidget(buttons)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(18)
        layout.addWidget(self.tree)
        layout.addLayout(right, 1)
        self.tree.currentItemChanged.connect(lambda *_: self._show())
        self.tree.itemActivated.connect(lambda *_: self._take())
        self._fill()
        theme.resize(self, 860, 560)

    def _fill(self) -> None:
        groups: dict[str, list[str]] = {group: [] for group in (*GROUPS, _OTHERS)}
        for key in builtin_studies():
            try:
                study = load_builtin_study(key)
            except ScenarioError:
                continue
            self._studies[key] = study
            groups[study.group if study.group in GROUPS else _OTHERS].append(key)
        first = None
        for group, keys in ((group, keys) for group, keys in groups.items() if keys):
            top = QTreeWidgetItem(self.tree, [group])
            top.setFlags(Qt.ItemFlag.ItemIsEnabled)
            top.setFont(0, theme.font(12, "semibold"))
            for key in keys:
                item = QTreeWidgetItem(top, [self._studies[key].name])
                item.setData(0, Qt.ItemDataRole.UserRole, key)
                first = first or item
        self.tree.expandAll()
        self.tree.setFixedWidth(self.tree.sizeHintForColumn(0) + _BESIDE_NAMES)
        if first is not None:
            self.tree.setCurrentItem(first)
        self.tree.setFocus()

    @property
    def _chosen(self) -> Study | None:
        item = self.tree.currentItem()
        return self._studies.get(item.data(0, Qt.ItemDataRole.UserRole)) if item is not None else None

    def _show(self) -> None:
        study = self._chosen
        self.copy_it.setEnabled(study is not None)
        if study is not None:
            self.title.setText(study.name)
            self.notes.setText(study.notes)
            self.facts.setText(facts(study))

    def _take(self) -> None:
        study = self._chosen
        if study is not None:
            self.accept()
            self.taken.emit(study)


def facts(study: Study) -> str:
    """Return axes, metrics and number of cells in words."""
    axes = [f"{find_knob(axis.knob).label}: {len(axis.values)} values" for axis in study.axes]
    metrics = ", ".join(ALL_METRICS[name].label for name in study.metrics)
    replicates = f", {study.replicates.count} replicates" if study.replicates.count > 1 else ""
    return "\n".join([*axes, f"Metrics: {metrics}", f"{study.count} cells{replicates}"])
