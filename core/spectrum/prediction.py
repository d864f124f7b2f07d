"""Prediction of a setting: what its sampler produces, W2 and its sources, as plain data with their kinds.

Whatever uses the exact score is exact. What learning adds is an expansion to second order in the score's error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from core.spectrum.budget import Budget, budget
from core.spectrum.errors import (
    Perturbation,
    generalisation,
    kernel_norm,
    kl,
    optimisation,
    w2_shares,
)
from core.spectrum.methods import Method
from core.spectrum.setting import SpectrumSetting
from core.spectrum.spectra import Array, Spectrum
from core.spectrum.validity import largest_tau, validity

EXACT, SECOND_ORDER = "exact", "prediction, second order"
"""Kinds of numbers."""
OUTSIDE = "prediction, second order, outside its validity"
"""Kind of a prediction that the simulation may contradict."""
INCOMPLETE = "prediction without the unknown error of optimisation"
"""Kind of a prediction that lacks a source."""


@final
class Quantity(NamedTuple):
    """A number with its kind."""

    value: float
    kind: str


@final
@dataclass(frozen=True, eq=False)
class Prediction:
    """Everything that is predicted of one setting."""

    setting: SpectrumSetting
    spectrum: Spectrum
    method: Method
    produced: Array
    """(d,): h, the variances produced with the exact score; infinite where the sampler diverges; exact."""
    unstable: NDArray[np.bool_]
    """(d,): where the method is unstable, see :meth:`core.spectrum.methods.Method.unstable`."""
    squares: Array
    """(d,): ``(sqrt(h) - sqrt(lam))^2``, what each eigenvalue adds to W2^2 with the exact score; exact."""
    generalised: Perturbation | None
    """What N samples add; None where the score is exact for the data."""
    optimised: Perturbation | None
    """What SGD adds; None without it, or where no formula is known."""
    budget: Budget
    """W2^2 by source, in the order in which they are switched on."""
    kl: Quantity
    """KL(data || samples) with the exact score, in nats; infinite where a variance is zero."""
    validity: tuple[str, ...]
    """Why predictions may not be right, a sentence each; empty: nothing speaks against them."""

    @property
    def exact_squared(self) -> float:
        """W2^2 with the exact score; exact."""
        return float(self.squares.sum())

    @property
    def w2_squared(self) -> Quantity:
        """W2^2 with what is learned."""
        total = self.budget.total
        if not self.setting.learning.is_random or math.isinf(self.exact_squared):
            return Quantity(total, EXACT)
        if not self.budget.is_complete:
            return Quantity(total, INCOMPLETE)
        return Quantity(total, OUTSIDE if self.validity else SECOND_ORDER)

    @property
    def w2(self) -> float:
        """W2 with what is learned, of the kind of :attr:`w2_squared`."""
        return math.sqrt(max(self.w2_squared.value, 0.0))

    @property
    def learned_squares(self) -> Array:
        """(d,): what learning adds to the squares of each eigenvalue, of either sign; of second order."""
        parts = [each.shares for each in (self.generalised, self.optimised) if each is not None]
        return np.sum(parts, axis=0) if parts else np.zeros_like(self.squares)

    @property
    def shares(self) -> Array:
        """(d,): share of every eigenvalue in W2^2 with the exact score; where it diverges, of the diverging ones."""
        total = self.exact_squared
        if math.isinf(total):
            diverging = np.isinf(self.squares)
            return np.asarray(diverging / diverging.sum())
        return self.squares / total if total > 0 else np.zeros_like(self.squares)

    def kernel(self, first: int = 0, last: int | None = None) -> Array:
        """Return rows of the kernel norm, see :func:`core.spectrum.errors.kernel_norm`."""
        return kernel_norm(self.spectrum.eigenvalues, self.produced, first, last)


def predict(setting: SpectrumSetting, spectrum: Spectrum) -> Prediction:
    """Return the prediction of a setting.

    Args:
        setting: its method and what is learned.
        spectrum: that of the setting, built.
    """
    values, learning = spectrum.eigenvalues, setting.learning
    method = setting.method.build()
    produced = method.produced(values)
    generalised = None if learning.samples is None else generalisation(method, values, learning.samples)
    optimised = None if learning.tau is None else optimisation(method, values, learning.tau)
    squares, unstable = w2_shares(values, produced), method.unstable(values)
    learned = {"generalised": generalised, "optimised": optimised}
    parts = budget(method, values, learning.samples, learning.tau, total=float(squares.sum()), **learned)
    notes = [each.note for each in parts.sources if each.added is None and each.note]
    tau = learning.tau or 0.0
    most_tau = largest_tau(method, values) if tau else math.inf
    reasons = validity(unstable, learning.samples, generalised, optimised, tau, most_tau).reasons
    return Prediction(
        setting,
        spectrum,
        method,
        produced,
        unstable,
        squares,
        generalised,
        optimised,
        parts,
        Quantity(kl(values, produced), EXACT),
        (*reasons, *dict.fromkeys(notes)),
    )
