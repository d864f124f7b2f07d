"""Numbers of a spectrum setting for papers and programs: sources of W2^2 as a table, eigenvalues as columns."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import ScenarioError
from core.spectrum.optimum import Curve
from core.spectrum.prediction import Prediction
from core.spectrum.simulation import Simulated
from core.text.number_format import number, with_error
from core.text.table_files import TableForm, table_text

Arrays = Literal["eigenvalues", "curve"]


def budget_rows(prediction: Prediction, simulated: Simulated | None = None) -> list[list[str]]:
    """Return sources of W2^2, their total, and the simulated one, as words: added, alone, interaction, kind."""
    rows = [
        [each.source, *map(_told, (each.added, each.alone, each.interaction)), each.kind]
        for each in prediction.budget.sources
    ]
    rows.append(["total", number(prediction.w2_squared.value), "", "", prediction.w2_squared.kind])
    if simulated is not None:
        total = simulated.w2_squared
        rows.append(["simulated", with_error(total.mean, total.error), "", "", _kind(simulated)])
    return rows


BUDGET_TITLES = ["W₂² by source", "added", "alone", "interaction", "kind"]


def budget_table(prediction: Prediction, simulated: Simulated | None, form: TableForm) -> str:
    """Return W2^2 by source as a table, each number with its kind, as on the screen.

    Args:
        prediction: of the setting.
        simulated: the simulation; None: there is none.
        form: ``latex`` needs the package booktabs; ``tsv`` is for spreadsheets.
    """
    about = f"{prediction.setting.name}: {prediction.spectrum.label}; {prediction.method.label}"
    return table_text(about, BUDGET_TITLES, budget_rows(prediction, simulated), form)


def spectrum_columns(
    prediction: Prediction, simulated: Simulated | None, curve: Curve | None, what: Arrays
) -> dict[str, NDArray[Any]]:
    """Return columns of equal length by name: a row an eigenvalue, or a value of the number that is varied.

    Raises:
        ScenarioError: the curve is wanted, and there is none.
    """
    return _curve(curve) if what == "curve" else _eigenvalues(prediction, simulated)


def _eigenvalues(prediction: Prediction, simulated: Simulated | None) -> dict[str, NDArray[Any]]:
    lam = prediction.spectrum.eigenvalues
    columns: dict[str, NDArray[Any]] = {
        "rank": np.arange(1, len(lam) + 1),
        "eigenvalue": lam,
        "produced_exact_score": prediction.produced,
        "w2_squared_exact_score": prediction.squares,
        "w2_squared_learned_second_order": prediction.learned_squares,
    }
    if simulated is not None:
        columns |= {
            "produced_simulated_mean": simulated.produced,
            "produced_simulated_stderr": simulated.produced_error,
        }
    return columns


def _curve(curve: Curve | None) -> dict[str, NDArray[Any]]:
    if curve is None:
        raise ScenarioError("", "", "there is no curve of W₂ yet")
    learned = {} if curve.learned is None else {"w2_predicted": curve.learned}
    return {curve.key: curve.values, "w2_exact_score": curve.exact, **learned}


def _told(value: float | None) -> str:
    return number(math.nan if value is None else value)


def _kind(simulated: Simulated) -> str:
    return "mean ± standard error" if simulated.w2_squared.error > 0 else "exact propagation"
