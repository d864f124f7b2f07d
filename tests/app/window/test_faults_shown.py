"""A sampler stopped by a fault in its code: its panel and the banner show it, the others go on."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from app.evidence.table import TermsTable
from app.run.worker import shared_worker
from app.window.window import MainWindow
from core.reporting.heading import headings
from core.reporting.terms_table import ROWS
from core.runs.experiment import run
from core.runs.results import Results
from core.scenario.scenario import Scenario

FAULTS = {
    "at once": "def mine(level, x):\n    return 1 / 0\n",
    "half way": "def mine(level, x):\n    level.t > 20 or 1 / 0\n    return level.prior_score(x)\n",
    "not a number": "def mine(level, x):\n    return x * float('nan')\n",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_worker_results_of_other_samplers_are_unaffected_by_a_fault(
    fault: str, make_scenario: Callable[..., Scenario], own_sampler: Callable[..., str]
) -> None:
    key, worker = own_sampler(FAULTS[fault], "<b>mine.py"), shared_worker()
    *_, alone = worker.compute(make_scenario(run={"samplers": ["ddnm", "exact"]}), refine=True)
    scenario = make_scenario(run={"samplers": [key, "ddnm", "exact"]})
    *_, beside = worker.compute(scenario, refine=True)
    assert list(beside.faults) == [key]
    for mine, theirs in zip(alone.tables(), beside.tables(), strict=True):
        assert mine.tobytes() == theirs[1:].tobytes()
    assert all(math.isnan(value) for table in beside.tables() for value in table[0])


def test_fault_is_shown_in_the_banner_and_on_the_panel_of_its_sampler(
    window: Callable[..., MainWindow],
    make_scenario: Callable[..., Scenario],
    own_sampler: Callable[..., str],
    qtbot: QtBot,
) -> None:
    key = own_sampler(FAULTS["half way"], "a<b>&c.py")
    made = window(make_scenario(run={"samplers": [key, "ddnm"]}))
    assert made.results is not None
    assert made.results.is_complete
    sentence = made.results.faults[key]
    assert "a<b>&c.py: line 2: ZeroDivisionError" in sentence
    assert made.banner._error.text() == sentence
    made.player.seek(made.results.schedule.steps - 1)
    qtbot.waitUntil(lambda: made.planes.panels[key]._notice.isVisible())
    assert made.planes.panels[key]._notice.text() == f"Stopped by an error in its code: {sentence}"
    assert not made.planes.panels["ddnm"]._notice.isVisible()


def test_long_fault_message_is_shortened_to_fit_the_panel(
    window: Callable[..., MainWindow],
    make_scenario: Callable[..., Scenario],
    own_sampler: Callable[..., str],
    qtbot: QtBot,
) -> None:
    key = own_sampler("def mine(level, x):\n    raise ValueError('no luck ' * 90)\n")
    made = window(make_scenario(run={"samplers": [key, "ddnm"]}))
    plane = made.planes.panels[key]
    qtbot.waitUntil(plane._notice.isVisible)
    assert plane.view.rect().contains(plane._notice.geometry())
    assert plane._notice.heightForWidth(plane._notice.width()) <= plane._notice.height()
    assert plane._notice.text().startswith("Stopped by an error in its code: ")
    assert plane._notice.text().endswith("…")
    assert made.results is not None
    assert made.results.faults[key] in plane._notice.toolTip()


def table_of(results: Results, bot: QtBot) -> TermsTable:
    table = TermsTable()
    bot.addWidget(table)
    table.show_results(results)
    table.show_frame(results.schedule.steps - 1)
    return table


def test_table_column_and_heading_of_a_stopped_sampler_are_blank(
    make_scenario: Callable[..., Scenario], own_sampler: Callable[..., str], qtbot: QtBot
) -> None:
    key = own_sampler(FAULTS["half way"])
    results = run(make_scenario(run={"samplers": [key, "ddnm"]}), keep_frames=True, refine=False)
    table = table_of(results, qtbot)
    cells = {name: table.cell(name, 0) for name in ROWS}
    assert {cell.text for name, cell in cells.items() if name != "kl"} == {"–"}
    assert cells["kl"].text == "stopped"
    assert all(results.faults[key] in cell.tip for cell in cells.values())
    first, second = headings(results, 39, is_playing=False)
    assert first.forms[0] == (("bound", "–"),)
    assert first.fault == results.faults[key]
    assert second.fault is None
