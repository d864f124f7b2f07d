"""The evidence: curves and table hold the run's own numbers, and say what they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyqtgraph as pg
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QPainterPath
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.evidence import STYLES, TERM_ROWS, HeadlinePlot, TermsTable
from app.widgets import LegendEntry, brief, with_error
from core.experiment import Experiment
from core.samplers import SAMPLERS
from core.scenario import Scenario

Make = Callable[..., Scenario]
Run = Callable[..., Experiment]
STEPS = 40


@pytest.fixture
def headline(shown: Callable[..., QWidget]) -> HeadlinePlot:
    made = HeadlinePlot()
    shown(made, 420, 420)
    return made


@pytest.fixture
def table(shown: Callable[..., QWidget]) -> TermsTable:
    made = TermsTable()
    shown(made, 420, 360)
    return made


@pytest.fixture(params=["one", "mixture"])
def experiment(request: pytest.FixtureRequest, make_scenario: Make, make_experiment: Run) -> Experiment:
    """A finished run of one Gaussian, and of three."""
    return make_experiment(make_scenario(one=request.param == "one"))


def values_of(experiment: Experiment, name: str) -> NDArray[np.float64]:
    evidence = experiment.evidence
    return {"kl": evidence.kl, "observed": experiment.trace.observed_mismatch, **evidence.value}[name]


def height(values: NDArray[np.float64], logarithmic: bool) -> NDArray[np.float64]:
    """Where the axis shows values; NaN where it cannot."""
    if not logarithmic:
        return np.array([value if np.isfinite(value) else np.nan for value in values])
    return np.array([np.log10(value) if np.isfinite(value) and value > 0 else np.nan for value in values])


def drawn(headline: HeadlinePlot) -> dict[tuple[str, str], QPainterPath]:
    """What is on the plot: a path for each colour and kind of curve."""
    kinds = {(style, width): name for name, (_, style, width) in STYLES.items()}
    lines = [line for part in (headline._still, headline._growing) for line in part._drawing._paths]
    return {(pen.color().name().upper(), kinds[pen.style(), pen.widthF()]): path for path, pen in lines}


@pytest.mark.parametrize("logarithmic", [True, False])
def test_curves_hold_the_terms(logarithmic: bool, experiment: Experiment, headline: HeadlinePlot, qtbot: QtBot) -> None:
    headline.show_experiment(experiment)
    headline.show_frame(STEPS)
    if not logarithmic:
        qtbot.mouseClick(headline.logarithmic, Qt.MouseButton.LeftButton)
    times = STEPS - np.arange(STEPS + 1.0)
    paths = drawn(headline)
    assert len(paths) == len(STYLES) * len(experiment.samplers)
    for index, sampler in enumerate(experiment.samplers):
        for name in STYLES:
            values = values_of(experiment, name)[index]
            x, y = headline.curve(index, name)
            np.testing.assert_array_equal(x, times)
            np.testing.assert_array_equal(y, values)
            expected_path = pg.arrayToQPath(times, height(values, logarithmic), connect="finite")
            assert paths[sampler.about.colour, name] == expected_path


@pytest.mark.parametrize("frame", [0, 1, 17, STEPS])
def test_the_observed_curve_ends_at_the_cursor(frame: int, experiment: Experiment, headline: HeadlinePlot) -> None:
    headline.show_experiment(experiment)
    headline.show_frame(frame)
    assert headline._cursor.value() == STEPS - frame
    assert headline._veil.getRegion()[1] == STEPS - frame
    times = STEPS - np.arange(frame + 1.0)
    for index, sampler in enumerate(experiment.samplers):
        observed = experiment.trace.observed_mismatch[index, : frame + 1]
        path = pg.arrayToQPath(times, height(observed, logarithmic=True), connect="finite")
        assert drawn(headline)[sampler.about.colour, "observed"] == path
        assert len(headline.curve(index, "bound")[0]) == STEPS + 1


def test_curves_grow_with_the_run(headline: HeadlinePlot, make_scenario: Make, make_experiment: Run) -> None:
    experiment = make_experiment(make_scenario(), 11)
    headline.show_experiment(experiment)
    headline.show_frame(30)
    for name in STYLES:
        assert list(headline.curve(0, name)[0]) == list(range(STEPS, STEPS - 11, -1))


@pytest.mark.parametrize("logarithmic", [True, False])
def test_a_curve_goes_through_its_values(
    logarithmic: bool, headline: HeadlinePlot, qtbot: QtBot, make_scenario: Make, make_experiment: Run
) -> None:
    experiment = make_experiment(make_scenario(one=True, run={"samplers": ["ddnm"]}))
    headline.show_experiment(experiment)
    headline.show_frame(STEPS)
    if not logarithmic:
        qtbot.mouseClick(headline.logarithmic, Qt.MouseButton.LeftButton)
    image = headline.plot.grab().toImage()
    box = headline.plot.getViewBox()
    surface = QColor(theme.current().surface)
    for frame in (30, 38):
        heights = height(experiment.evidence.value["mismatch"][0], logarithmic)
        at = headline.plot.mapFromScene(box.mapViewToScene(QPointF(STEPS - frame, heights[frame])))
        near = [image.pixelColor(at + QPoint(dx, dy)) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        hue = QColor(experiment.samplers[0].about.colour).hue()
        assert any(pixel != surface and abs(pixel.hue() - hue) < 8 and pixel.saturation() > 120 for pixel in near)


@pytest.mark.parametrize("logarithmic", [True, False])
def test_the_axis_holds_the_largest_value(
    logarithmic: bool, experiment: Experiment, headline: HeadlinePlot, qtbot: QtBot
) -> None:
    headline.show_experiment(experiment)
    if not logarithmic:
        qtbot.mouseClick(headline.logarithmic, Qt.MouseButton.LeftButton)
    values = np.concatenate([values_of(experiment, name) for name in ("kl", "bound", "mismatch")])
    largest = float(values[np.isfinite(values)].max())
    (right, left), (low, high) = headline.plot.viewRange()
    assert right <= 0 < STEPS <= left
    assert (10**low if logarithmic else low) < largest < (10**high if logarithmic else high)
    assert headline.plot.getAxis("left").logMode is logarithmic
    assert headline.plot.getViewBox().xInverted()


def test_the_kl_is_in_the_legend_only_where_it_is_known(experiment: Experiment, headline: HeadlinePlot) -> None:
    headline.show_experiment(experiment)
    words = [entry._words for entry in headline.findChildren(LegendEntry) if entry.isVisible()]
    assert [STYLES[name][0] for name in ("mismatch", "bound", "observed")] == [
        word for word in words if not word.startswith("KL")
    ]
    assert ("KL, exact" in words) == experiment.evidence.exact


def test_nothing_is_shown_before_a_run(headline: HeadlinePlot, table: TermsTable) -> None:
    headline.advance()
    headline.show_frame(3)
    table.show_frame(3)
    assert table.table.columnCount() == 0


@pytest.mark.parametrize("palette", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_the_theme_is_taken(
    palette: theme.Palette, experiment: Experiment, headline: HeadlinePlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    headline.show_experiment(experiment)
    monkeypatch.setattr(theme, "current", lambda: palette)
    headline.restyle()
    image = headline.plot.grab().toImage()
    assert image.pixelColor(2, 2).name().upper() == palette.surface


# The table


def expected(experiment: Experiment, name: str, column: int, frame: int) -> tuple[float, float]:
    evidence, trace = experiment.evidence, experiment.trace
    if name == "kl":
        return evidence.kl[column, frame], 0.0
    if name == "observed":
        return trace.observed_mismatch[column, frame], trace.observed_error[column, frame]
    return evidence.value[name][column, frame], evidence.error[name][column, frame]


def words(table: TermsTable) -> str:
    return " ".join(label.text() for label in table.findChildren(QLabel))


@pytest.mark.parametrize("frame", [0, 23, STEPS - 1, STEPS])
def test_the_table_says_the_terms_at_the_cursor(frame: int, experiment: Experiment, table: TermsTable) -> None:
    table.show_experiment(experiment)
    table.show_frame(frame)
    assert f"at t = {STEPS - frame}," in words(table)
    for column, sampler in enumerate(experiment.samplers):
        assert table.table.horizontalHeaderItem(column).text() == sampler.about.label
        for row, (name, label, explanation) in enumerate(TERM_ROWS):
            assert table.table.verticalHeaderItem(row).text() == label
            assert table.table.verticalHeaderItem(row).toolTip() == explanation
            text = table.table.item(row, column).text()
            if name == "kl" and not experiment.evidence.exact:
                assert text == "not yet"
            else:
                assert text == with_error(*expected(experiment, name, column, frame))


def test_the_note_says_what_is_exact(experiment: Experiment, table: TermsTable) -> None:
    table.show_experiment(experiment)
    table.show_frame(STEPS)
    assert ("all exact but" in words(table)) == experiment.evidence.exact
    assert ("not yet estimated" in words(table)) != experiment.evidence.exact


@pytest.mark.parametrize("one", [True, False])
def test_what_a_singular_target_has_not_is_infinite_and_said_to_be(
    one: bool, table: TermsTable, headline: HeadlinePlot, make_scenario: Make, make_experiment: Run
) -> None:
    experiment = make_experiment(make_scenario(one=one, measurement={"noise": 0.0}))
    table.show_experiment(experiment)
    headline.show_experiment(experiment)
    table.show_frame(STEPS - 1)
    names = [name for name, _, _ in TERM_ROWS]
    shown_now = lambda: [table.table.item(names.index(name), 0).text() for name in ("bound", "discretisation")]  # noqa: E731
    assert "∞" not in shown_now()
    assert "no density" not in words(table)
    table.show_frame(STEPS)
    assert shown_now() == ["∞", "∞"]
    assert table.table.item(names.index("kl"), 0).text() == ("∞" if one else "not yet")
    assert "no density at t = 0" in words(table)
    assert "read t = 1" in words(table)
    bound = drawn(headline)[experiment.samplers[0].about.colour, "bound"]
    assert bound.elementAt(bound.elementCount() - 1).x == 1


@pytest.mark.parametrize("one", [True, False])
def test_many_samplers_are_brief_and_their_tooltips_are_not(
    one: bool, table: TermsTable, make_scenario: Make, make_experiment: Run
) -> None:
    experiment = make_experiment(make_scenario(one=one, run={"samplers": list(SAMPLERS)}))
    table.show_experiment(experiment)
    table.show_frame(30)
    differing = 0
    for column in range(len(SAMPLERS)):
        for row, (name, _, _) in enumerate(TERM_ROWS):
            item = table.table.item(row, column)
            value, error = expected(experiment, name, column, 30)
            known = name != "kl" or one
            assert item.toolTip() == (with_error(value, error) if known else "not yet")
            assert item.text() == (brief(value) if known else "not yet")
            assert "±" not in item.text()
            differing += item.text() != item.toolTip()
    assert differing > 0


def test_the_table_needs_no_scrolling(experiment: Experiment, table: TermsTable) -> None:
    table.show_experiment(experiment)
    table.show_frame(STEPS)
    port = table.table.viewport()
    last = table.table.visualItemRect(table.table.item(len(TERM_ROWS) - 1, len(experiment.samplers) - 1))
    assert port.rect().contains(last)


def test_the_axis_holds_what_the_particles_observe(experiment: Experiment, headline: HeadlinePlot) -> None:

    experiment.trace.observed_mismatch[:] = 1e7
    headline.show_experiment(experiment)
    assert headline.plot.getViewBox().viewRange()[1][1] > 7
    experiment.trace.diverged_at[:] = [1] * len(experiment.samplers)
    headline.advance()
    assert headline.plot.getViewBox().viewRange()[1][1] < 7
