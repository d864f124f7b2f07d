"""Shared fixture of the tests of the problem dock: one dock, on which each test opens the small scenario anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.document.document import Document
from app.problem.dock import ProblemEditor
from core.scenario.scenario import Scenario


@pytest.fixture(scope="module")
def kept_dock(qapp: QApplication, make_scenario: Callable[..., Scenario]) -> Iterator[ProblemEditor]:  # noqa: ARG001
    made = ProblemEditor(Document(make_scenario()))
    made.resize(328, 1500)
    made.show()
    assert QTest.qWaitForWindowExposed(made)
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def dock(kept_dock: ProblemEditor, make_scenario: Callable[..., Scenario]) -> ProblemEditor:
    """A dock on the small scenario, just opened and without marks; what it showed before makes no difference."""
    if kept_dock.samplers.fold.isChecked():
        kept_dock.samplers.fold.click()
    kept_dock.document.load(make_scenario())
    kept_dock.verticalScrollBar().setValue(0)
    kept_dock.activateWindow()
    return kept_dock
