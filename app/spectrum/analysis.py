"""Plotted quantities of a prediction, computed on the predictor's thread, so that painting computes nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from core.spectrum.errors import kl, w2_shares
from core.spectrum.methods import Source
from core.spectrum.prediction import Prediction, predict
from core.spectrum.setting import SpectrumSetting
from core.spectrum.spectra import Array, Spectrum


@final
@dataclass(frozen=True, eq=False)
class Analysis:
    """A prediction with its details by eigenvalue."""

    prediction: Prediction
    unstable: NDArray[np.bool_]
    """(d,): where the method is unstable, or what it produces is not finite."""
    squares: dict[Source, Array]
    """Contribution of every source to W2^2 along each eigenvalue, (d,) each; NaN where that is not finite."""
    reverse_kl: float
    """KL(samples || data) with the exact score, in nats; exact."""

    @property
    def setting(self) -> SpectrumSetting:
        """The setting that is predicted."""
        return self.prediction.setting

    @property
    def spectrum(self) -> Spectrum:
        """The data's spectrum."""
        return self.prediction.spectrum

    @property
    def produced(self) -> Array:
        """(d,): produced variances with the exact score."""
        return self.prediction.produced

    @cached_property
    def shares(self) -> dict[Source, Array]:
        """(d,) of every source, as fractions of W2^2; where that is infinite, of the directions that diverge."""
        total = self.prediction.w2_squared.value
        if math.isfinite(total) and total > 0:
            return {source: added / total for source, added in self.squares.items()}
        return {"discretisation": self.prediction.shares}


def analyse(setting: SpectrumSetting, spectrum: Spectrum) -> Analysis:
    """Predict a setting with its spectrum, built.

    Raises:
        ScenarioError: there is no prediction.
    """
    prediction = predict(setting, spectrum)
    lam, produced = spectrum.eigenvalues, prediction.produced
    unstable = prediction.unstable | ~np.isfinite(produced)
    return Analysis(prediction, unstable, _squares(prediction), kl(lam, produced, "produced || data"))


def _squares(prediction: Prediction) -> dict[Source, Array]:
    lam = prediction.spectrum.eigenvalues
    found: dict[Source, Array] = {}
    before, steps = np.zeros_like(lam), list(prediction.method.switched_on())
    for index, (source, switched) in enumerate(steps):
        is_last = index == len(steps) - 1
        after = prediction.squares if is_last else w2_shares(lam, switched.produced(lam))
        with np.errstate(invalid="ignore"):
            added = after - before
        found[source], before = np.where(np.isfinite(added), added, math.nan), after
    for learned, perturbation in (
        ("generalisation", prediction.generalised),
        ("optimisation", prediction.optimised),
    ):
        if perturbation is not None:
            found[learned] = perturbation.shares  # type: ignore[index]
    return found
