"""A target of its own in the dock: there and back, edited, undone, with planes, gallery, tour and help without y."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QTableWidget, QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.files.thumbnail import thumbnail
from app.problem.dock import ProblemEditor
from app.window.window import MainWindow
from core.scenario.builtin import builtin_scenarios, load_builtin
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
LEFT = Qt.MouseButton.LeftButton


class Hand:
    """Chooses and types in the dock, and keeps what comes of it."""

    def __init__(self, editor: ProblemEditor, bot: QtBot) -> None:
        self.editor, self.bot = editor, bot
        self.edits: list[Scenario] = []
        editor.document.changed.connect(self.edits.append)

    def aim(self, *, at_mixture: bool) -> None:
        self.bot.keyClick(self.editor.aim.box, Qt.Key.Key_Down if at_mixture else Qt.Key.Key_Up)

    def cell(self, table: QTableWidget, row: int, column: int, text: str) -> None:
        place = table.visualItemRect(table.item(row, column)).center()
        self.bot.mouseClick(table.viewport(), LEFT, pos=place)
        self.bot.mouseDClick(table.viewport(), LEFT, pos=place)
        line = QApplication.focusWidget()
        assert isinstance(line, QLineEdit)
        line.selectAll()
        self.bot.keyClicks(line, text)
        self.bot.keyClick(line, Qt.Key.Key_Return)
        QApplication.processEvents()


@pytest.fixture
def hand(shown: Callable[..., QWidget], qtbot: QtBot, make_scenario: Make) -> Hand:
    editor = ProblemEditor(Document(make_scenario()))
    shown(editor, 328, 1700)
    editor.activateWindow()
    return Hand(editor, qtbot)


def test_the_posterior_becomes_a_mixture_and_samplers_that_need_y_go(hand: Hand, make_scenario: Make) -> None:
    hand.aim(at_mixture=True)
    (shifted,) = hand.edits
    assert shifted.measurement is None
    assert shifted.run.samplers == ("prior", "exact"), "the exact one alone would show nothing"
    assert hand.editor.aim.left_out.text() == "Left out, for want of a measurement: DDNM, BO-DDNM."
    assert hand.editor.aim.left_out.isVisible()
    posterior, target = make_scenario().problem().target, shifted.problem().target
    assert float((posterior.means - target.means).abs().max()) < 1e-3
    assert (hand.editor.target.isVisible(), hand.editor.measurement.isVisible()) == (True, False)
    assert not hand.editor.samplers.chips["ddnm"].isEnabled()
    hand.aim(at_mixture=False)
    assert hand.edits[-1] == make_scenario(), "all of it is as it was"
    assert not hand.editor.aim.left_out.isVisible()
    assert hand.editor.samplers.chips["ddnm"].isEnabled()


def test_both_sides_are_remembered(hand: Hand) -> None:
    hand.aim(at_mixture=True)
    hand.cell(hand.editor.target.table, 0, 1, "2, 3")
    target = hand.edits[-1].target
    assert target is not None
    assert target.means[0] == (2.0, 3.0)
    hand.aim(at_mixture=False)
    hand.aim(at_mixture=True)
    assert hand.edits[-1].target == target


def test_what_is_remembered_belongs_to_its_scenario(hand: Hand) -> None:
    hand.aim(at_mixture=True)
    hand.editor.document.load(load_builtin("shifted-mean"))
    hand.aim(at_mixture=False)
    measurement = hand.edits[-1].measurement
    assert measurement is not None
    assert (measurement.matrix, measurement.value) == (((1.0, 0.0),), (0.0,))


def test_the_target_is_edited_and_refused_like_the_prior(hand: Hand) -> None:
    hand.editor.document.load(load_builtin("shifted-mean"))
    target = hand.editor.target
    hand.cell(target.table, 0, 0, "-1")
    assert hand.edits == []
    assert target.table.property("invalid")
    assert "must be positive" in target.error.text()
    assert not hand.editor.prior.error.isVisible()
    hand.cell(target.table, 0, 0, "2")
    assert hand.edits[-1].target is not None
    assert hand.edits[-1].target.weights == (2.0, 0.5)
    add = next(each for each in target.findChildren(QWidget) if each.property("text") == "Add")
    hand.bot.mouseClick(add, LEFT)
    assert len(hand.edits[-1].target.weights) == 3  # type: ignore[union-attr]
    assert len(hand.edits[-1].prior.weights) == 2


def test_a_dimension_more_is_one_for_the_target_too(hand: Hand) -> None:
    hand.editor.document.load(load_builtin("shifted-mean"))
    hand.bot.keyClick(hand.editor.prior.dimension, Qt.Key.Key_Up)
    (grown,) = hand.edits
    assert grown.target is not None
    assert grown.target.means == ((-0.4, 0.3, 0.0), (1.6, 0.7, 0.0))
    assert grown.target.covariances[0][2] == (0.0, 0.0, 1.0)
    hand.aim(at_mixture=False)
    assert hand.edits[-1].measurement.matrix == ((1.0, 0.0, 0.0),)  # type: ignore[union-attr]


@pytest.mark.parametrize("key", [key for key in builtin_scenarios() if not key.startswith("shifted")])
def test_every_posterior_can_become_a_target(key: str, hand: Hand) -> None:
    """Singular covariances too, which rounding makes indefinite."""
    scenario = load_builtin(key)
    hand.editor.document.load(scenario)
    if scenario.target is not None:
        return
    hand.aim(at_mixture=True)
    assert hand.editor.scenario is not None
    assert hand.editor.scenario.target is not None


@pytest.mark.parametrize("key", ["shifted-mean", "shifted-weights"])
def test_a_shifted_scenario_has_a_picture(key: str, qapp: QApplication) -> None:
    assert qapp
    picture = thumbnail(load_builtin(key), QSize(160, 120), 1.0).toImage()
    colours = {picture.pixel(x, y) for x in range(0, 160, 2) for y in range(0, 120, 2)}
    assert len(colours) > 10


def test_a_window_without_a_measurement(window: Callable[..., MainWindow], qtbot: QtBot, make_scenario: Make) -> None:
    made = window(make_scenario(run={"kl_rounds": 0}), finish=False)
    before = made.scenario
    hand = Hand(made.problem, qtbot)
    hand.aim(at_mixture=True)
    qtbot.waitUntil(lambda: not made.session.is_running, timeout=30_000)
    assert made.results is not None
    assert list(made.planes.panels) == ["prior", "exact"]
    assert made.results.problem.measurement.rank == 0
    qtbot.keyClick(made, Qt.Key.Key_I)
    assert made.help.card is not None
    made.help.start_tour()
    tour = made.help.tour
    assert tour is not None
    for step in range(5):
        tour.go(step)
        QApplication.processEvents()
    tour.close()
    made.help.card.close()
    made.document.undo()
    assert made.scenario == before
    assert made.problem.measurement.isVisible()
    made.document.redo()
    assert made.problem.target.isVisible()
