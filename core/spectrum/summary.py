"""Summary of a spectrum setting as lines of text: W2, its sources, the simulation beside it, and the best choice."""

from __future__ import annotations

import math

from core.spectrum.numbers import BUDGET_TITLES, budget_rows
from core.spectrum.optimum import Optimum
from core.spectrum.prediction import Prediction
from core.spectrum.simulation import Simulated
from core.text.number_format import number, with_error


def summary_lines(
    prediction: Prediction, simulated: Simulated | None = None, chosen: Optimum | None = None
) -> list[str]:
    """Return the lines; every number says what kind it is."""
    nfe = "infinitely many steps" if prediction.method.nfe is None else f"{prediction.method.nfe} score evaluations"
    lines = [
        prediction.setting.name,
        f"{prediction.spectrum.label}; {prediction.method.label}; {nfe}",
        "",
        f"W₂ = {number(prediction.w2)} ({prediction.w2_squared.kind})",
        f"W₂ with the exact score = {number(math.sqrt(prediction.exact_squared))} (exact)",
        f"KL(data ‖ samples) with the exact score = {number(prediction.kl.value)} ({prediction.kl.kind})",
    ]
    if simulated is not None:
        kind = "simulated mean ± standard error" if simulated.w2_squared.error > 0 else "exact propagation"
        found = simulated.w2
        lines.append(f"W₂ = {with_error(found.mean, found.error)} ({kind}, {found.count} repeats)")
        if simulated.diverged:
            lines.append(f"{simulated.diverged} of {found.count} repeats diverged")
    lines += ["", *_budget(prediction, simulated)]
    if prediction.validity:
        lines += ["", *prediction.validity]
    if simulated is not None:
        lines += ["", simulated.how]
    return lines if chosen is None else [*lines, "", *_best(chosen)]


def _budget(prediction: Prediction, simulated: Simulated | None) -> list[str]:
    """Return the sources of W2^2 as a table in plain text."""
    rows = [BUDGET_TITLES, *budget_rows(prediction, simulated)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _best(chosen: Optimum) -> list[str]:
    values = ", ".join(f"{key} = {number(value, 4)}" for key, value in chosen.values.items())
    lines = [f"Best within the budget: {values}; W₂ = {number(chosen.w2)} ({chosen.kind})"]
    if chosen.at_limit:
        lines.append(f"At the end of its range: {', '.join(chosen.at_limit)}")
    return lines
