"""Offers in the context menus of the dock's fields to vary a number in a study."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal, final

from PySide6.QtWidgets import QMenu

from app.problem.measurement import MeasurementEditor
from app.problem.mixture import MixtureEditor
from app.problem.run import RunEditor
from app.widgets.fields import TextField
from app.widgets.vary import add_offers
from core.scenario.scenario import Scenario

if TYPE_CHECKING:
    from core.studies.proposals import Offer

# What is opened later is imported then: the first frame waits for nothing that it does not show.
# ruff: noqa: PLC0415


@final
class Varying:
    """Extension of the fields' menus.

    Args:
        scenario: returns the scenario that the fields show.
        vary: called with the chosen knob.
    """

    def __init__(self, scenario: Callable[[], Scenario], vary: Callable[[str], object]) -> None:
        self._scenario, self._vary = scenario, vary

    def extend_mixture(self, editor: MixtureEditor, mixture: Literal["prior", "target"]) -> None:
        """Extend the menus of a mixture's cells, and of the dimension."""
        editor.table.extend_menu = lambda menu, row, _column: self._extend_component(menu, mixture, row)
        self.extend_field(editor.dimension.lineEdit(), "prior.dimension")  # type: ignore[arg-type]

    def _extend_component(self, menu: QMenu, mixture: Literal["prior", "target"], row: int) -> None:
        from core.studies.proposals import component_knobs

        self._add(menu, component_knobs(self._scenario(), mixture, row))

    def extend_measurement(self, editor: MeasurementEditor) -> None:
        """Extend the menus of H, y and the noise."""
        editor.table.extend_menu = partial(self._extend_cell, editor)
        self.extend_field(editor.lines["noise"], "measurement.noise")  # type: ignore[arg-type]

    def _extend_cell(self, editor: MeasurementEditor, menu: QMenu, row: int, column: int) -> None:
        from core.studies.proposals import field_knob, row_knobs

        is_value = column == editor.table.columnCount() - 1
        offers = row_knobs(self._scenario(), row, of_value=is_value)
        entry = [] if is_value else [field_knob(f"measurement.matrix[{row + 1}][{column + 1}]")]
        self._add(menu, [*entry, *offers])

    def extend_run(self, editor: RunEditor) -> None:
        """Extend the menus of schedule and run."""
        for name, line in editor.lines.items():
            is_schedule = name == "steps" or name in editor.parameters
            self.extend_field(line, f"{'schedule' if is_schedule else 'run'}.{name}")  # type: ignore[arg-type]

    def extend_field(self, line: TextField, path: str) -> None:
        """Extend the menu of the field at a path."""
        line.extend_menu = lambda menu: self._extend_at(menu, path)

    def _extend_at(self, menu: QMenu, path: str) -> None:
        from core.studies.proposals import field_knob

        self._add(menu, [field_knob(path)])

    def _add(self, menu: QMenu, offers: list[Offer]) -> None:
        from core.studies.proposals import is_possible

        scenario = self._scenario()
        add_offers(menu, [offer for offer in offers if is_possible(scenario, offer.knob)], self._vary)
