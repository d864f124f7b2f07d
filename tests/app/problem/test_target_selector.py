"""The target selector: posterior or given mixture, edited and undone; planes, gallery, tour and help without y."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QTableWidget, QWidget
from pytestqt.qtbot import QtBot

from app.files.thumbnail import thumbnail
from app.problem.dock import ProblemEditor
from app.window.window import MainWindow
from core.scenario.builtin import builtin_scenarios, load_builtin
from core.scenario.scenario import Scenario

Make = Callable[..., Scenario]
LEFT = Qt.MouseButton.LeftButton


class User:
    """Chooses and types in the dock as a user does, and records the edits."""

    def __init__(self, editor: ProblemEditor, bot: QtBot) -> None:
        self.editor, self.bot = editor, bot
        self.edits: list[Scenario] = []
        self.hear = lambda scenario: self.edits.append(scenario)
        editor.document.changed.connect(self.hear)

    def choose_target(self, *, at_mixture: bool) -> None:
        self.bot.keyClick(self.editor.target_selector.box, Qt.Key.Key_Down if at_mixture else Qt.Key.Key_Up)

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
def user(dock: ProblemEditor, qtbot: QtBot) -> Iterator[User]:
    dock.resize(328, 1700)
    made = User(dock, qtbot)
    yield made
    dock.document.changed.disconnect(made.hear)


def test_switching_to_a_mixture_target_keeps_the_posterior_and_drops_samplers_that_need_y(
    user: User, make_scenario: Make
) -> None:
    user.choose_target(at_mixture=True)
    (shifted,) = user.edits
    assert shifted.measurement is None
    assert shifted.run.samplers == ("prior", "exact"), "the exact sampler alone would show no mismatch"
    assert user.editor.target_selector.left_out.text() == "Removed, since they need a measurement: DDNM, BO-DDNM."
    assert user.editor.target_selector.left_out.isVisible()
    posterior, target = make_scenario().problem().target, shifted.problem().target
    assert float((posterior.means - target.means).abs().max()) < 1e-3
    assert (user.editor.target.isVisible(), user.editor.measurement.isVisible()) == (True, False)
    assert not user.editor.samplers.chips["ddnm"].isEnabled()
    user.choose_target(at_mixture=False)
    assert user.edits[-1] == make_scenario(), "all of it is as it was"
    assert not user.editor.target_selector.left_out.isVisible()
    assert user.editor.samplers.chips["ddnm"].isEnabled()


def test_edited_target_is_restored_when_switching_back(user: User) -> None:
    user.choose_target(at_mixture=True)
    user.cell(user.editor.target.table, 0, 1, "2, 3")
    target = user.edits[-1].target
    assert target is not None
    assert target.means[0] == (2.0, 3.0)
    user.choose_target(at_mixture=False)
    user.choose_target(at_mixture=True)
    assert user.edits[-1].target == target


def test_remembered_measurement_is_dropped_when_another_scenario_opens(user: User) -> None:
    user.choose_target(at_mixture=True)
    user.editor.document.load(load_builtin("shifted-mean"))
    user.choose_target(at_mixture=False)
    measurement = user.edits[-1].measurement
    assert measurement is not None
    assert (measurement.matrix, measurement.value) == (((1.0, 0.0),), (0.0,))


def test_target_table_validates_and_edits_like_the_prior_table(user: User) -> None:
    user.editor.document.load(load_builtin("shifted-mean"))
    target = user.editor.target
    user.cell(target.table, 0, 0, "-1")
    assert user.edits == []
    assert target.table.property("invalid")
    assert "must be positive" in target.error.text()
    assert not user.editor.prior.error.isVisible()
    user.cell(target.table, 0, 0, "2")
    assert user.edits[-1].target is not None
    assert user.edits[-1].target.weights == (2.0, 0.5)
    add = next(each for each in target.findChildren(QWidget) if each.property("text") == "Add")
    user.bot.mouseClick(add, LEFT)
    assert len(user.edits[-1].target.weights) == 3  # type: ignore[union-attr]
    assert len(user.edits[-1].prior.weights) == 2


def test_added_dimension_extends_the_target(user: User) -> None:
    user.editor.document.load(load_builtin("shifted-mean"))
    user.bot.keyClick(user.editor.prior.dimension, Qt.Key.Key_Up)
    (grown,) = user.edits
    assert grown.target is not None
    assert grown.target.means == ((-0.4, 0.3, 0.0), (1.6, 0.7, 0.0))
    assert grown.target.covariances[0][2] == (0.0, 0.0, 1.0)
    user.choose_target(at_mixture=False)
    assert user.edits[-1].measurement.matrix == ((1.0, 0.0, 0.0),)  # type: ignore[union-attr]


@pytest.mark.parametrize("key", [key for key in builtin_scenarios() if not key.startswith("shifted")])
def test_posterior_of_every_builtin_scenario_can_become_the_target(key: str, user: User) -> None:
    """Includes singular covariances, which rounding makes indefinite."""
    scenario = load_builtin(key)
    user.editor.document.load(scenario)
    if scenario.target is not None:
        return
    user.choose_target(at_mixture=True)
    assert user.editor.scenario is not None
    assert user.editor.scenario.target is not None


@pytest.mark.parametrize("key", ["shifted-mean", "shifted-weights"])
def test_thumbnail_of_a_scenario_with_given_target_is_drawn(key: str, qapp: QApplication) -> None:
    assert qapp
    picture = thumbnail(load_builtin(key), QSize(160, 120), 1.0).toImage()
    colours = {picture.pixel(x, y) for x in range(0, 160, 2) for y in range(0, 120, 2)}
    assert len(colours) > 10


def test_window_without_a_measurement_runs_and_shows_card_and_tour(
    window: Callable[..., MainWindow], qtbot: QtBot, make_scenario: Make
) -> None:
    made = window(make_scenario(run={"kl_rounds": 0}), finish=False)
    before = made.scenario
    user = User(made.problem, qtbot)
    user.choose_target(at_mixture=True)
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
