"""A page of studies with plain charts, on a folder of the test, whose process and threads have ended after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from app.studies.page import StudiesPage
from core.scenario.scenario import Scenario
from core.studies.study import Study
from core.studies.summary import Table


class PlainCharts(QPushButton):
    """Charts that only remember what they were told to show."""

    picked = Signal(object)

    def __init__(self) -> None:
        super().__init__("charts")
        self.study: Study | None = None
        self.table: Table = {}
        self.samplers: tuple[str, ...] = ()

    def show_study(self, study: Study, table: Table) -> None:
        self.study, self.table = study, table

    def restyle(self) -> None:
        pass


SMALL: dict[str, Any] = {
    "name": "Small",
    "prior": {"weights": [1.0], "means": [[0.5, -0.5]], "covariances": [[[1.0, 0.4], [0.4, 0.7]]]},
    "measurement": {"matrix": [[1.0, 0.3]], "noise": 0.4, "value": [1.2]},
    "schedule": {"kind": "etc", "steps": 20},
    "run": {"samplers": ["ddnm", "exact"], "particles": 200, "paths": 50, "kl_rounds": 0},
}


@pytest.fixture
def small() -> Scenario:
    """One Gaussian, whose cells take some ten milliseconds."""
    return Scenario.from_dict(SMALL)


@pytest.fixture
def make_page(tmp_path: Path, small: Scenario, shown: Callable[..., QWidget]) -> Iterator[Callable[..., StudiesPage]]:
    """``(scenario=None, folder=None)``: show a page; it is closed after the test."""
    made: list[StudiesPage] = []

    def make(scenario: Scenario | None = None, folder: Path | None = None) -> StudiesPage:
        page = StudiesPage(folder or tmp_path / "studies", lambda: scenario or small, PlainCharts())
        made.append(page)
        shown(page, 1100, 900)
        return page

    yield make
    for page in made:
        page.close_all()


@pytest.fixture
def page(make_page: Callable[..., StudiesPage]) -> StudiesPage:
    """A page on an empty library, which has made one study."""
    return make_page()
