"""Studies in a notebook or a program: load a study, and measure it."""

from __future__ import annotations

from core.plugins.loader import loaded_contents
from core.studies.builtin import find_study
from core.studies.execute import outcomes
from core.studies.store import StoredCell
from core.studies.study import Study
from core.studies.summary import Table, table_of


def load_study(name: str) -> Study:
    """Load a study from a file, or a built-in one by its key; an existing file comes first.

    Its base is in place, so that it means the same anywhere.

    Raises:
        ScenarioError: there is no such study, or it is not valid.
    """
    return find_study(name).study


def measure_study(study: Study, *, jobs: int | None = None) -> Table:
    """Measure all cells of a study, and return their summary by sampler, metric and place of the axes.

    Args:
        study: with its base in place.
        jobs: worker processes; None: one for every core; 1: none.
    """
    found = dict(outcomes(study, list(study.cells()), loaded_contents(), jobs))
    return table_of(
        StoredCell(cell, found[cell].rows, found[cell].reason, found[cell].seconds) for cell in study.cells()
    )
