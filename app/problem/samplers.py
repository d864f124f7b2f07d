"""The section of the dock for samplers: a chip each; those that do not run can be collapsed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QHideEvent, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QWidget

from app.problem.picker import SamplerPicker
from app.problem.sampler_settings import SamplerSettings, score_samplers
from app.theme import theme
from app.widgets.fields import Section, set_invalid
from app.widgets.flow_layout import FlowLayout
from app.widgets.user_text import auto_text, button_text
from core.errors import ScenarioError
from core.samplers import SAMPLERS, Sampler
from core.scenario.scenario import Scenario

_WIDEST = 220
"""Largest width of a chip's text, in pixels."""


@final
class Chip(QPushButton):
    """Toggle button of one sampler; its chevron, a right click or the menu key opens its settings."""

    opened = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, objectName="chip", checkable=True)
        self.setProperty("role", "sampler")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.chevron = QToolButton(objectName="chevron", focusPolicy=Qt.FocusPolicy.NoFocus)
        self.chevron.setIconSize(QSize(12, 12))
        self.chevron.clicked.connect(lambda _checked: self.opened.emit())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 4, 0)
        layout.addStretch()
        layout.addWidget(self.chevron)

    def show_sampler(self, sampler: Sampler, runs: bool, obstacle: str | None) -> None:
        """Show the sampler, whether it runs, and the reason if it cannot."""
        about = sampler.about
        words = self.fontMetrics().elidedText(about.short_label, Qt.TextElideMode.ElideRight, theme.scaled(_WIDEST))
        self.setText(button_text(words))
        hint = f"\n{about.short_label} {obstacle}" if obstacle else "\nMenu key or right click: settings"
        whole = f"{about.label}\n" if about.short_label != about.label else ""
        self.setToolTip(auto_text(f"{whole}{about.summary}\n{about.source}{hint}"))
        self.setAccessibleName(f"Run {about.label}")
        self.setChecked(runs)
        self.setIcon(theme.dot(about.colour) if runs else theme.ring(about.colour))
        self.chevron.setIcon(theme.icon("chevron-down", colour=theme.current().muted))
        self.chevron.setToolTip(auto_text(f"Settings of {about.label}"))
        self.chevron.setAccessibleName(f"Settings of {about.label}")

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Open the settings."""
        event.accept()
        self.opened.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Open the settings on the menu key, which not every platform turns into a context menu event."""
        if event.key() == Qt.Key.Key_Menu:
            self.opened.emit()
        else:
            super().keyPressEvent(event)


@final
class SamplerEditor(Section):
    """Section that chooses the samplers and opens their settings."""

    explained = Signal(object)
    """The user asks for a sampler's card."""
    file_wanted = Signal()
    """The user wants to load a sampler from a file."""
    varied = Signal(str)
    """The knob that the user wants to vary in a study."""

    def __init__(self) -> None:
        super().__init__("run", "Samplers")
        self.chips: dict[str, Chip] = {}
        """Chips by sampler key, in display order; samplers of one kind are adjacent."""
        self.settings: SamplerSettings | None = None
        """The open settings popup, or None."""
        self._samplers: dict[str, Sampler] = {}
        self._order: list[str] = []
        self._tables: dict[str, dict[str, Any]] = {}
        self._scenario: Scenario | None = None
        self._met: set[str] = set()
        """Samplers that have run since the scenario was opened; their chips are never collapsed."""
        self._holder = QWidget()
        self._flow = FlowLayout(self._holder)
        self._flow.setContentsMargins(0, 0, 0, 0)
        self._flow.setSpacing(6)
        self.fold = self._tool("", "", self._toggle_fold)
        self.fold.setCheckable(True)
        self.fold.setAccessibleName("Samplers that do not run")
        self.finder = self._tool("Find…", "Find samplers by name and group", self.open_picker)
        self.picker: SamplerPicker | None = None
        """The open list of all samplers, or None."""
        self.own = self._tool("+", "A sampler of your own, from a Python file", self.file_wanted.emit)
        self.fields["samplers"] = self._holder
        self.body.addWidget(self._holder)
        self.finish()

    def _tool(self, text: str, tip: str, call: Any) -> QPushButton:  # noqa: ANN401 - a function or a signal
        tool = self.button(text, tip, call)
        tool.setObjectName("chip")
        tool.setAccessibleName(tip)
        return tool

    def forget(self) -> None:
        """Forget which samplers have run, since another scenario is opened."""
        self._met.clear()

    def show_scenario(self, scenario: Scenario) -> None:
        """Show a chip for every registered or defined sampler, checked if it runs."""
        self._scenario = scenario
        self._order = list(scenario.run.samplers)
        self._tables = {name: dict(table) for name, table in scenario.samplers.items()}
        used = {sampler.about.key: sampler for sampler in scenario.build_samplers(with_idle=True)}
        self._samplers = {}
        for key, sampler in SAMPLERS.items():
            self._samplers[key] = used.get(key, sampler)
            self._samplers |= {
                name: own for name, own in used.items() if own.kind is sampler.kind and name not in SAMPLERS
            }
        self._make_chips()
        self._show()
        if self.picker is not None:
            self.picker.show_samplers(self._samplers, scenario)
        if self.settings is not None:
            if self.settings.name in self._samplers:
                self._fill(self.settings)
            else:
                self.settings.close()

    def _make_chips(self) -> None:
        for name in [name for name in self.chips if name not in self._samplers]:
            self.chips.pop(name).deleteLater()
        for name in [name for name in self._samplers if name not in self.chips]:
            chip = self.chips[name] = Chip(self._holder)
            chip.clicked.connect(lambda checked, name=name: self._toggle(name, checked))
            chip.opened.connect(lambda name=name: self.open_settings(name))
        self.chips = {name: self.chips[name] for name in self._samplers}

    def _show(self) -> None:
        assert self._scenario is not None
        self._met.update(self._order)
        for name, chip in self.chips.items():
            sampler = self._samplers[name]
            obstacle = self._scenario.obstacle(sampler)
            chip.show_sampler(sampler, name in self._order, obstacle)
            chip.setEnabled(obstacle is None or name in self._order)
        self._arrange()

    def _arrange(self) -> None:
        """Lay out the chips, without those that never ran if collapsed."""
        shown = [name for name in self.chips if self.fold.isChecked() or name in self._met or name not in SAMPLERS]
        hidden = len(self.chips) - len(shown)
        self.fold.setText(f"{hidden} more" if hidden else "fewer")
        self.fold.setIcon(theme.icon("chevron-right" if hidden else "chevron-left"))
        self.fold.setToolTip("Show the samplers that do not run" if hidden else "Hide the samplers that do not run")
        wanted: list[QWidget] = [*(self.chips[name] for name in shown), self.fold, self.finder, self.own]
        placed = [self._flow.itemAt(index).widget() for index in range(self._flow.count())]  # type: ignore[union-attr]
        if wanted == placed:
            return
        while self._flow.takeAt(0) is not None:
            pass
        for widget in wanted:
            self._flow.addWidget(widget)
        for name, chip in self.chips.items():
            chip.setVisible(name in shown)
        for before, after in pairwise(wanted):
            QWidget.setTabOrder(before, after)
        self._flow.invalidate()
        self._holder.updateGeometry()

    def _toggle_fold(self) -> None:
        if not self.fold.isChecked():
            self._met = set(self._order)
        self._arrange()

    def _toggle(self, name: str, checked: bool) -> None:
        self._order = [*self._order, name] if checked else [other for other in self._order if other != name]
        self._show()
        self.changed.emit()

    def restyle(self) -> None:
        """Apply the theme's icons."""
        super().restyle()
        if getattr(self, "_scenario", None) is not None:
            self._show()
            if self.picker is not None and self._scenario is not None:
                self.picker.show_samplers(self._samplers, self._scenario)

    # List of all samplers

    def open_picker(self) -> None:
        """Open or close the list of all samplers by group, with its search field."""
        if self.picker is not None:
            self.picker.close()
            return
        assert self._scenario is not None
        picker = self.picker = SamplerPicker(self.window(), self.finder)
        picker.show_samplers(self._samplers, self._scenario)
        picker.toggled.connect(self._toggle)
        picker.closed.connect(self._forget_picker)
        picker.show()
        picker.raise_()
        picker.search.setFocus()

    def _forget_picker(self) -> None:
        if self.picker is not None and self.picker.isAncestorOf(self.picker.focusWidget() or self.finder):
            self.finder.setFocus()
        self.picker = None

    # Settings

    def open_settings(self, name: str) -> None:
        """Toggle a sampler's settings popup."""
        if self.settings is not None:
            was = self.settings.name
            self.settings.close()
            if was == name:
                return
        settings = SamplerSettings(
            self.window(), self.chips[name], self._samplers[name], score_samplers(self._samplers)
        )
        settings.changed.connect(lambda values: self._set(settings.name, values))
        settings.explained.connect(lambda: self._explain(settings))
        settings.varied.connect(self._vary)
        settings.added.connect(lambda: self._add_another(settings.name))
        settings.removed.connect(lambda: self._remove(settings.name))
        settings.closed.connect(self._forget_settings)
        self.settings = settings
        self._fill(settings)
        settings.show()
        settings.raise_()
        next(iter(settings.fields.values())).setFocus()

    def _fill(self, settings: SamplerSettings) -> None:
        name = settings.name
        drop = "Reset" if name in SAMPLERS and name in self._tables else "" if name in SAMPLERS else "Remove"
        settings.show_sampler(self._samplers[name], self._table(name), drop)

    def _table(self, name: str) -> dict[str, Any]:
        """Return a sampler's table; a probability flow without one has its score in its key."""
        kind, of, score = name.partition(":")
        return self._tables.get(name, {"kind": kind, "score": score} if of else {})

    def _forget_settings(self) -> None:
        assert self.settings is not None
        chip = self.chips.get(self.settings.name)
        if chip is not None and self.settings.isAncestorOf(self.settings.focusWidget() or chip):
            chip.setFocus()
        self.settings = None

    def _vary(self, knob: str) -> None:
        if self.settings is not None:
            self.settings.close()
        self.varied.emit(knob)

    def _explain(self, settings: SamplerSettings) -> None:
        settings.close()
        self.explained.emit(self._samplers[settings.name].about)

    def _set(self, name: str, values: dict[str, Any]) -> None:
        """Store a sampler's parameters; defaults only need no table."""
        if ":" in name:
            new = self._new_name(name.replace(":", "-"))
            self._order = [new if other == name else other for other in self._order]
            self._tables[new] = {"kind": name.partition(":")[0], **values}
            self._emit_for(new)
            return
        kind = {"kind": self._tables[name]["kind"]} if "kind" in self._tables.get(name, {}) else {}
        self._tables[name] = kind | values
        if not self._tables[name]:
            del self._tables[name]
        self.changed.emit()

    def _add_another(self, name: str) -> None:
        """Add a second sampler of the same kind with the same parameters."""
        kind = self._samplers[name].kind.key
        new = self._new_name(kind)
        same = {key: value for key, value in self._table(name).items() if key not in ("label", "colour")}
        self._tables[new] = {**same, "kind": kind}
        at = self._order.index(name) + 1 if name in self._order else len(self._order)
        self._order.insert(at, new)
        self._emit_for(new)

    def _emit_for(self, name: str) -> None:
        """Emit the edit, and open the settings of a new sampler."""
        self.changed.emit()
        if name in self.chips:
            self.open_settings(name)

    def _new_name(self, stem: str) -> str:
        taken = {*SAMPLERS, *self._tables}
        number = 2
        while f"{stem}-{number}" in taken:
            number += 1
        return f"{stem}-{number}" if stem in taken else stem

    def _remove(self, name: str) -> None:
        """Remove a sampler that the scenario defines, or reset a registered one to its defaults."""
        self._tables.pop(name, None)
        if name not in SAMPLERS:
            self._order = [other for other in self._order if other != name]
        self.changed.emit()

    # Interface for the dock

    def data(self) -> dict[str, Any]:
        """Return the section as TOML data."""
        return {"samplers": list(self._order)}

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return ``[samplers]``."""
        return {name: dict(table) for name, table in self._tables.items()}

    def mark(self, error: ScenarioError | None) -> bool:
        """Mark an error of the samplers; the rest of ``[run]`` has its own section."""
        section, _, rest = (error.field if error else "").partition(".")
        name, _, parameter = rest.partition(".")
        own = section == "samplers"
        for each, chip in self.chips.items():
            set_invalid(chip, own and each == name)
        if self.settings is not None:
            hers = own and self.settings.name == name and error is not None
            self.settings.mark(parameter, error.reason if hers and error is not None else "")
        mine = error is not None and (own or error.field.startswith("run.samplers"))
        super().mark(error if mine and not own else None)
        if own and error is not None:
            self.error.setText(f"{rest}: {error.reason}")
            self.error.show()
            self.header.setChecked(True)
        return mine

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Close the popups with the dock."""
        if self.picker is not None:
            self.picker.close()
        if self.settings is not None:
            self.settings.close()
        super().hideEvent(event)
