"""Jobs of the page: the best numbers under a budget, the simulation along a curve, and knobs for studies."""

from __future__ import annotations

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.spectrum.page import SpectrumPage
from core.simulation.work import result_of
from core.spectrum.optimum import Budget, optimum

LEFT = Qt.MouseButton.LeftButton
MOST_MS = 60_000


def type_limit(page: SpectrumPage, qtbot: QtBot, name: str, text: str) -> None:
    line = page.evidence.card.best.lines[name]
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)


def test_best_numbers_are_found_marked_and_taken_in_one_step(page: SpectrumPage, qtbot: QtBot) -> None:
    card, first = page.evidence.card, page.document.setting
    best = card.best
    qtbot.mouseClick(best.header, LEFT)
    assert [key for key, box in best.boxes.items() if box.isVisible() and box.isEnabled()] == ["method.sigma"]
    type_limit(page, qtbot, "nfe", "0")
    assert not best.search.isEnabled()
    assert "from 1 to" in best.error.text()
    assert best.lines["nfe"].text() == "0"
    type_limit(page, qtbot, "nfe", "40")
    type_limit(page, qtbot, "samples", "2000")
    assert best.keys == ("method.sigma", "method.gamma")
    assert not best.boxes["learning.tau"].isEnabled()
    qtbot.mouseClick(best.search, LEFT)
    assert best.search.text() == "Stop"
    qtbot.waitUntil(lambda: best.found is not None, timeout=MOST_MS)
    expected = result_of(optimum(first, Budget(40, 2000), first.spectrum.build()))
    assert best.found == expected
    assert "★ σ = " in best.words.text()
    assert "prediction, second order" in best.words.text()
    page.vary("method.sigma")
    star = card.curve.chosen
    assert star is not None
    assert (star.value, star.w2) == (expected.values["method.sigma"], expected.w2)
    qtbot.mouseClick(best.take_it, LEFT)
    taken = page.document.setting
    assert taken.method == expected.setting.method
    assert taken.learning == expected.setting.learning
    assert taken.name == first.name
    assert not best.take_it.isEnabled()
    assert card.curve.chosen == star
    page.undo()
    assert page.document.setting == first
    assert best.take_it.isEnabled()
    page.document.edit(first.patched({"spectrum": {"exponent": 1.5}}))
    assert best.found is None, "it was found for another spectrum"
    assert card.curve.chosen is None
    for box in best.boxes.values():
        box.setChecked(False)
    qtbot.mouseClick(best.search, LEFT)
    assert "at least one" in best.error.text()


def test_curve_is_simulated_live_and_stopped(page: SpectrumPage, qtbot: QtBot) -> None:
    card = page.evidence.card
    qtbot.mouseClick(card.along, LEFT)
    assert card.along.text() == "Stop"
    assert page.editor.simulation.main.text() == "Simulate"
    qtbot.waitUntil(lambda: not page.jobs.simulator.is_running, timeout=MOST_MS)
    assert len(card.curve.dots) == 13
    assert all(dot.error > 0 for dot in card.curve.dots)
    assert not card.progress.isVisible()
    curve = card.curve.curve
    assert curve is not None
    assert curve.learned is not None
    known = dict(zip(curve.values.tolist(), curve.learned.tolist(), strict=True))
    near = [(dot, known[dot.value]) for dot in card.curve.dots if dot.value in known and dot.value > 300]
    assert len(near) > 3
    assert all(abs(dot.w2 - predicted) < 5 * dot.error for dot, predicted in near)
    page.document.edit(page.document.setting.patched({"learning": {"repeats": 100_000}}))
    qtbot.mouseClick(card.along, LEFT)
    pid = page.jobs.simulator.pid
    assert pid is not None
    qtbot.waitUntil(lambda: "left" in card.words.text(), timeout=MOST_MS)
    assert card.progress.isVisible()
    page.document.edit(page.document.setting.patched({"learning": {"samples": 700}}))
    assert page.jobs.simulator.is_along, "another value of this number lies on the same curve"
    page.document.edit(page.document.setting.patched({"method": {"sigma": 0.2}}))
    assert not page.jobs.simulator.is_running
    assert not psutil.pid_exists(pid)
    assert card.along.text() == "Simulate"


def test_values_that_cannot_be_simulated_are_said(page: SpectrumPage, qtbot: QtBot) -> None:
    method = {"kind": "diffusion", "scheme": "DDPM", "points": 40}
    page.document.edit(type(page.document.setting).from_dict({"method": method}))
    page.vary("method.points")
    qtbot.mouseClick(page.evidence.card.along, LEFT)
    qtbot.waitUntil(lambda: not page.jobs.simulator.is_running, timeout=MOST_MS)
    assert "cannot be simulated: points must be at least" in page.evidence.card.words.text()
    page.vary("method.eps")
    assert not page.evidence.card.words.isVisible()


@pytest.mark.parametrize(("field", "knobs"), [("method.sigma", 1), ("learning.samples", 1), ("method.steps", 2)])
def test_fields_offer_to_vary_in_a_study(page: SpectrumPage, qtbot: QtBot, field: str, knobs: int) -> None:
    page.document.edit(page.document.setting.patched({"method": {"steps": 50}}))
    table, _, name = field.partition(".")
    menu = QMenu()
    page.editor.tables[table].lines[name].extend_menu(menu)  # type: ignore[attr-defined]
    entry = menu.actions()[-1]
    offered = entry.menu().actions() if knobs > 1 else [entry]  # type: ignore[attr-defined]
    assert len(offered) == knobs
    with qtbot.waitSignal(page.studied) as asked:
        offered[-1].trigger()
    assert asked.args == [field]
    menu.deleteLater()
