"""The bound terms table: its numbers are those of the run, and no text is cut off."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QLabel, QWidget

from app.evidence.table import ROWS, TermsTable
from app.theme import theme
from core.bounds.asymptote import no_asymptote
from core.runs.results import Results
from core.scenario.scenario import Scenario
from core.text.number_format import number, with_error

Make = Callable[..., Scenario]
Run = Callable[..., Results]
Refine = Callable[[Results], Results]
STEPS = 40
MANY = ["ddnm", "bo-ddnm", "ccdf", "ddim", "tmpd", "exact"]


@pytest.fixture
def table(shown: Callable[..., QWidget]) -> TermsTable:
    made = TermsTable()
    shown(made, 420, 260)
    return made


@pytest.fixture(params=["one", "mixture"])
def results(request: pytest.FixtureRequest, make_scenario: Make, make_results: Run) -> Results:
    """A finished run of one Gaussian, and of three."""
    return make_results(make_scenario(one=request.param == "one"))


def text(table: TermsTable, name: str, column: int = 0) -> str:
    return table.table.item(list(ROWS).index(name), column).text()


def tip(table: TermsTable, name: str, column: int = 0) -> str:
    return table.table.item(list(ROWS).index(name), column).toolTip()


def title(table: TermsTable, name: str) -> str:
    return table.table.verticalHeaderItem(list(ROWS).index(name)).text()


@pytest.mark.parametrize("frame", [0, 23, STEPS - 1, STEPS])
def test_table_shows_the_bound_terms_at_the_cursor(frame: int, results: Results, table: TermsTable) -> None:
    table.show_results(results)
    table.show_frame(frame)
    assert f"at t = {STEPS - frame}," in " ".join(label.text() for label in table.findChildren(QLabel))
    evidence = results.terms
    for column, sampler in enumerate(results.samplers):
        assert table.table.horizontalHeaderItem(column).text() == sampler.about.label
        for name in ("bound", "mismatch"):
            value, error = evidence.value[name][column, frame], evidence.error[name][column, frame]
            assert text(table, name, column) in {with_error(value, error), number(value)}
            assert with_error(value, error) in tip(table, name, column)
        kl = number(evidence.kl[column, frame]) if evidence.all_exact else "–"
        assert text(table, "kl", column) == kl


def test_metrics_are_marked_as_computed_after_the_run(results: Results, table: TermsTable, refine: Refine) -> None:
    table.show_results(results)
    table.show_frame(STEPS - 1)
    for name in ("limit", "w2", "weights", "mmd"):
        assert text(table, name) == "–"
        assert tip(table, name) == "Computed after the run."
    refine(results)
    table.advance()
    assert text(table, "limit") == with_error(results.asymptotes[0].value, 0.01)
    assert text(table, "w2") == "0.31 ± 0.01"
    assert text(table, "mmd") == "(3 ± 2)·10⁻⁴"
    assert title(table, "w2") == ("W₂ at t = 1" if results.terms.all_exact else "sliced W₂, t = 1")
    assert "As many exact samples would give about 0.00400" in tip(table, "w2")
    assert table.table.isRowHidden(list(ROWS).index("weights")) == (results.problem.target.components == 1)


def test_kl_row_title_names_the_kind_of_number(
    table: TermsTable, make_scenario: Make, make_results: Run, refine: Refine
) -> None:
    results = make_results(make_scenario(run={"samplers": ["ddnm", "exact"]}))
    table.show_results(results)
    table.show_frame(STEPS - 1)
    assert (title(table, "kl"), text(table, "kl")) == ("KL", "–")
    refine(results)
    table.advance()
    assert title(table, "kl") == "KL, bracket"
    assert text(table, "kl") == results.kl.at(0, STEPS - 1).text
    assert table.table.isRowHidden(list(ROWS).index("kind"))
    table.show_frame(STEPS - 4)
    assert title(table, "kl") == "KL, bracket, t = 1", "the nearest t of which it is known"


@pytest.mark.parametrize(("high", "is_unlike"), [(1.0, False), (0.01, True)])
def test_large_kl_with_small_w2_is_explained(
    high: float, is_unlike: bool, table: TermsTable, make_scenario: Make, make_results: Run, refine: Refine
) -> None:
    results = refine(make_results(make_scenario(run={"samplers": ["ddnm", "exact"]})))
    results.bracket.low[:], results.bracket.high[:] = [[0.9], [0.0]], [[1.0], [high]]
    table.show_results(results)
    table.show_frame(STEPS - 1)
    for name in ("kl", "w2"):
        assert ("too narrow" in tip(table, name, 0)) is is_unlike
        assert "too narrow" not in tip(table, name, 1), "only where it applies"


@pytest.mark.parametrize("part", [0.5, 1.01])
def test_bound_estimate_below_the_kl_is_explained(
    part: float, table: TermsTable, make_scenario: Make, make_results: Run, refine: Refine
) -> None:
    results = refine(make_results(make_scenario(run={"samplers": ["ddnm"]})))
    results.bracket.low[:], results.bracket.high[:] = part * results.terms.value["bound"][0, STEPS - 1], np.inf
    table.show_results(results)
    table.show_frame(STEPS - 1)
    assert ("within three standard errors" in tip(table, "bound")) is (part > 1)


def test_kind_row_is_shown_when_samplers_have_different_kinds_of_kl(
    table: TermsTable, make_scenario: Make, make_results: Run, refine: Refine
) -> None:
    results = refine(make_results(make_scenario(run={"samplers": ["ddnm", "ddim"]})))
    table.show_results(results)
    table.show_frame(STEPS - 1)
    assert not table.table.isRowHidden(list(ROWS).index("kind"))
    assert [text(table, "kind", column) for column in (0, 1)] == ["bracket", "reversed"]
    assert text(table, "kl", 1) == "0.30 ± 0.01"
    assert text(table, "bound", 1) == text(table, "mismatch", 1) == text(table, "limit", 1) == "none"
    assert "it adds no noise" in tip(table, "bound", 1)
    assert "no limit is known" in tip(table, "limit", 1)


def test_asymptote_of_a_plugin_sampler_is_unknown(
    table: TermsTable, make_scenario: Make, make_results: Run, refine: Refine, own_sampler: Callable[..., str]
) -> None:
    key = own_sampler("def mine(level, x):\n    return level.prior_score(x)\n")
    results = refine(make_results(make_scenario(run={"samplers": [key, "prior", "ccdf"]})))
    results.asymptotes[0] = results.asymptotes[2] = None
    table.show_results(results)
    table.show_frame(STEPS - 1)
    assert [text(table, "limit", column) for column in (0, 2)] == ["unknown", "none"]
    assert tip(table, "limit", 0) == "Unknown: no limit is known as the steps are refined."
    assert "grows without bound" in tip(table, "limit", 2)
    assert "no limit of its mismatch is known" in str(no_asymptote(results.samplers[0]))


def test_singular_target_has_no_bound_at_t_0(table: TermsTable, make_scenario: Make, make_results: Run) -> None:
    table.show_results(make_results(make_scenario(measurement={"noise": 0.0})))
    table.show_frame(STEPS - 1)
    assert text(table, "bound") != "none"
    table.show_frame(STEPS)
    assert text(table, "bound") == "none"
    assert "no density at t = 0; see t = 1" in tip(table, "bound")


def test_divergence_row_is_shown_only_after_divergence(results: Results, table: TermsTable) -> None:
    row = list(ROWS).index("diverged")
    table.show_results(results)
    table.show_frame(STEPS)
    assert table.table.isRowHidden(row)
    results.trace.diverged_at[1] = 7
    table.advance()
    assert not table.table.isRowHidden(row)
    assert [text(table, "diverged", column) for column in (0, 1)] == ["–", "t = 7"]
    results.trace.diverged_at[1] = None


@pytest.mark.parametrize("samplers", [MANY[:1], MANY[:3], MANY[:4], MANY])
@pytest.mark.parametrize("one", [True, False])
def test_cell_texts_fit_their_columns(
    one: bool, samplers: list[str], table: TermsTable, make_scenario: Make, make_results: Run, refine: Refine
) -> None:
    results = refine(make_results(make_scenario(one=one, run={"samplers": samplers})))
    table.show_results(results)
    metrics = QFontMetrics(theme.font(11, "medium"))
    for frame in (0, 1, 20, STEPS - 1):
        table.show_frame(frame)
        for column in range(len(samplers)):
            room = table.table.columnWidth(column)
            assert metrics.horizontalAdvance(table.table.horizontalHeaderItem(column).text()) <= room
            for name in ROWS:
                assert metrics.horizontalAdvance(text(table, name, column)) <= room
    visible = table.table.viewport().width() / table.table.columnWidth(0)
    assert math.floor(visible + 0.06) >= min(len(samplers), 3), "whole columns are seen"
    for row, name in enumerate(ROWS):
        assert metrics.horizontalAdvance(title(table, name)) <= table.table.verticalHeader().width()
        last = table.table.visualItemRect(table.table.item(row, 0))
        assert table.table.viewport().rect().contains(last) or table.table.isRowHidden(row)


def test_columns_widened_during_playback_shrink_at_the_last_frame(
    table: TermsTable, make_scenario: Make, make_results: Run, refine: Refine, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = refine(make_results(make_scenario()))
    table.show_results(results)
    table.show_frame(STEPS - 1)
    header = table.table.horizontalHeader()
    least = header.defaultSectionSize()
    cell = table.cell
    wide = lambda name, column: cell(name, column)._replace(text="123456.789 ± 0.001")  # noqa: E731
    monkeypatch.setattr(table, "cell", lambda *place: (wide if table._frame == 20 else cell)(*place))
    table.show_frame(20)
    table.show_frame(21)
    assert header.defaultSectionSize() > least, "while it plays, columns only grow"
    table.show_frame(STEPS - 1)
    assert header.defaultSectionSize() == least


@pytest.mark.parametrize("width", [260, 330, 420, 700])
def test_cells_show_full_brackets_and_errors_at_any_width(
    width: int, table: TermsTable, make_scenario: Make, make_results: Run, refine: Refine
) -> None:
    results = refine(make_results(make_scenario(run={"samplers": MANY})))
    results.bracket.low[:], results.bracket.high[:] = 0.0331, 0.0813
    table.show_results(results)
    table.resize(width, 260)
    table.show_frame(STEPS - 1)
    metrics = QFontMetrics(theme.font(11, "medium"))
    for column in range(len(MANY)):
        for name in ROWS:
            shown, full = text(table, name, column), table.cell(name, column)
            assert shown == full.text or (shown == "< 0.001" and full.most < 0.001)
            assert metrics.horizontalAdvance(shown) <= table.table.columnWidth(column)
        if results.kl.at(column, STEPS - 1).kind == "bracket":
            assert text(table, "kl", column) == "0.0331 – 0.0813"
