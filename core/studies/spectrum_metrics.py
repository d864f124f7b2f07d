"""Metrics of studies of a spectrum: W2 and its sources, exact, predicted or simulated, of one method in a cell."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, final

from core.spectrum.methods import Source
from core.spectrum.prediction import EXACT, OUTSIDE, SECOND_ORDER, Prediction, Quantity, predict
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import simulate_setting
from core.studies.metrics import METRICS, Kind, Measured, Metric

_KINDS: dict[str, Kind] = {
    EXACT: "exact",
    SECOND_ORDER: "prediction",
    OUTSIDE: "prediction outside its validity",
}


@final
class SpectrumSample(NamedTuple):
    """What metrics of a method are computed from."""

    prediction: Prediction
    seed: int
    """Of the simulation."""
    check: Callable[[], None]
    """Raises where the cell has taken too long."""


def spectrum_sample(setting: SpectrumSetting, seed: int, check: Callable[[], None]) -> SpectrumSample:
    """Return what the metrics of a setting are computed from.

    Raises:
        ScenarioError: its spectrum cannot be made.
    """
    return SpectrumSample(predict(setting, setting.spectrum.build()), seed, check)


def _measured(quantity: Quantity, value: float, reasons: tuple[str, ...]) -> Measured:
    kind = _KINDS.get(quantity.kind)
    if kind is None:
        return Measured.of(math.nan, note="; ".join(reasons) or quantity.kind)
    return Measured.of(value, 0.0 if kind == "exact" else math.nan, kind)


def _w2(sample: SpectrumSample) -> dict[str, Measured]:
    found = sample.prediction
    return {"w2_learned": _measured(found.w2_squared, found.w2, found.validity)}


def _w2_squared(sample: SpectrumSample) -> dict[str, Measured]:
    found = sample.prediction
    return {"w2_squared": _measured(found.w2_squared, found.w2_squared.value, found.validity)}


def _w2_exact(sample: SpectrumSample) -> dict[str, Measured]:
    return {"w2_exact": Measured.of(math.sqrt(sample.prediction.exact_squared), kind="exact")}


def _kl(sample: SpectrumSample) -> dict[str, Measured]:
    return {"kl_exact": Measured.of(sample.prediction.kl.value, kind="exact")}


def _evaluations(sample: SpectrumSample) -> dict[str, Measured]:
    count = sample.prediction.method.nfe
    note = "in the limit of infinitely many steps"
    return {"evaluations": Measured.of(math.nan if count is None else float(count), kind="exact", note=note)}


def _source(*sources: Source) -> Callable[[SpectrumSample], dict[str, Measured]]:
    column = f"source_{sources[0]}"

    def measure(sample: SpectrumSample) -> dict[str, Measured]:
        for each in sample.prediction.budget.sources:
            if each.source in sources:
                if each.added is None:
                    return {column: Measured.of(math.nan, note=each.note)}
                kind = EXACT if each.kind == "exact" else OUTSIDE if sample.prediction.validity else SECOND_ORDER
                return {column: _measured(Quantity(each.added, kind), each.added, ())}
        return {column: Measured.of(0.0, kind="exact")}

    return measure


def _simulated(sample: SpectrumSample) -> dict[str, Measured]:
    setting, spectrum = sample.prediction.setting, sample.prediction.spectrum
    estimate = None
    for found in simulate_setting(setting, spectrum, seed=sample.seed):
        sample.check()
        estimate = found.w2_squared
    assert estimate is not None
    kind: Kind = "estimate" if setting.learning.is_random else "exact"
    return {"w2_simulated": Measured.of(estimate.mean, estimate.error, kind)}


def _metric(
    label: str,
    meaning: str,
    measure: Callable[[SpectrumSample], dict[str, Measured]],
    unit: str = "",
    *,
    is_simulated: bool = False,
) -> Metric[SpectrumSample]:
    return Metric(label, unit, meaning, measure, needs_particles=is_simulated, is_logarithmic=True)


SPECTRUM_METRICS: dict[str, Metric[SpectrumSample]] = {
    "w2_learned": _metric("W₂", "Wasserstein-2 distance with the learned score, predicted to second order.", _w2),
    "w2_exact": _metric("W₂, exact score", "Wasserstein-2 distance with the exact score.", _w2_exact),
    "w2_squared": _metric("W₂²", "Square of W₂ with the learned score, predicted to second order.", _w2_squared),
    "w2_simulated": _metric(
        "W₂², simulated",
        "Square of W₂ with a learned score: mean over the setting's repeats.",
        _simulated,
        is_simulated=True,
    ),
    "source_noise": _metric(
        "W₂² from noise or truncation",
        "What the noise level, or the truncation, adds to W₂².",
        _source("noise", "truncation"),
    ),
    "source_initialisation": _metric(
        "W₂² from initialisation", "What the law of the first point adds to W₂².", _source("initialisation")
    ),
    "source_discretisation": _metric(
        "W₂² from discretisation", "What finite steps add to W₂².", _source("discretisation")
    ),
    "source_generalisation": _metric(
        "W₂² from generalisation",
        "What N samples instead of infinitely many add to W₂².",
        _source("generalisation"),
    ),
    "source_optimisation": _metric(
        "W₂² from optimisation", "What SGD instead of the exact minimiser adds to W₂².", _source("optimisation")
    ),
    "kl_exact": _metric("KL, exact score", "KL(data‖samples) with the exact score.", _kl, "nats"),
    "evaluations": Metric(
        "score evaluations", "", "Score evaluations of one sample.", _evaluations, needs_particles=False
    ),
}
"""Metrics of a spectrum by their names in study files."""
ALL_METRICS: dict[str, Metric[Any]] = {**METRICS, **SPECTRUM_METRICS}
"""Metrics of all studies; no name stands for two."""
