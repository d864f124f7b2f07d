"""Means with heavy tails: points chosen among many exact draws, control variates, and errors that allow for skewness.

Where a sampler's law has lighter tails than the target, a few draws in a thousand make most of the KL. So a cheap
approximation of ``log q - log p`` is evaluated at very many exact draws, and the points at which the costly estimate
is made are chosen among them, more often where the approximation is far from its median (two-phase sampling with
regression: Sarndal, Swensson and Wretman, *Model Assisted Survey Sampling*, 1992, chapter 9).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self, final

import torch
from torch import Tensor

from core.kl.partition import Estimate
from core.problem.mixture import GaussianMixture
from core.text.number_format import SURE

SHARES = 0.5, 0.25, 0.1
"""Candidate shares of the points that are chosen in the tails; the others are chosen with equal probabilities."""
_QUANTILES = 0.1, 0.5, 0.9
_QUADRATIC = 20
"""Most dimensions in which all products of two coordinates are used; in more, their squares."""
_LEAST_FREEDOM = 4.0
"""Fewest degrees of freedom that are used: the series of Student's t needs some."""
_RIDGE = 1e-9
"""Added to normal equations, relative to their diagonal."""
REGRESSION = 1 << 22
"""Numbers in the design matrix of a regression on linear and quadratic functions, at most."""


@final
@dataclass(frozen=True, eq=False)
class Points:
    """Points of the target with weights whose weighted means are unbiased."""

    at: Tensor
    """(d, n)."""
    weight: Tensor
    """(n,): one on average."""
    chosen: Tensor
    """(n,): their indices among the draws."""

    @classmethod
    def of(cls, draws: Tensor) -> Self:
        """Return all draws (d, n) as points of equal weight."""
        count = draws.shape[1]
        return cls(draws, torch.ones(count, dtype=torch.float64), torch.arange(count))

    @classmethod
    def among(cls, draws: Tensor, densities: Sequence[Tensor], count: int, generator: torch.Generator) -> Self:
        """Choose points among exact draws (d, N), by the mean of relative densities, (N,) each, one on average."""
        total = draws.shape[1]
        density = torch.stack([torch.ones(total, dtype=torch.float64), *densities])[1 if densities else 0 :].mean(0)
        rising = density.cumsum(0)
        places = torch.rand(count, generator=generator, dtype=torch.float64) * rising[-1]
        chosen = torch.searchsorted(rising, places).clamp_(max=total - 1)
        return cls(draws[:, chosen], rising[-1] / total / density[chosen], chosen)


def tail_density(approximation: Tensor) -> Tensor:
    """Return a relative density in proportion to the distance from the median beyond the bulk, (N,), one on average."""
    low, middle, high = torch.quantile(approximation[: 1 << 16], approximation.new_tensor(_QUANTILES)).tolist()
    beyond = ((approximation - middle).abs() - (high - low)).clamp(min=0)
    mean = float(beyond.mean())
    return beyond / mean if 0 < mean < math.inf else torch.ones_like(approximation)


def best_share(rest: Tensor, weight: Tensor, tail: Tensor) -> float:
    """Return the share of points in the tails that makes the variance of a mean smallest, on draws of a round before.

    Args:
        rest: the function less its control variate at points, (n,).
        weight: of these points.
        tail: relative density of the tails at them.
    """
    squares = weight * (rest - (weight @ rest) / weight.sum()).square()
    return min(SHARES, key=lambda share: float((squares / (1 - share + share * tail)).sum()))


@final
class Moments:
    """Linear and quadratic functions of draws of a mixture, whose means are known, against the draws' own scatter."""

    def __init__(self, target: GaussianMixture, draws: Tensor) -> None:
        factor = torch.linalg.cholesky(target.covariance)
        self._normal = torch.linalg.solve_triangular(factor, draws - target.mean.unsqueeze(1), upper=False)
        size = len(self._normal)
        pairs = torch.triu_indices(size, size) if size <= _QUADRATIC else torch.arange(size).expand(2, -1)
        self._rows, self._columns = pairs
        some = self._features(self._normal[:, : max(2 * size, REGRESSION // (size + len(self._rows)))])
        self._centred = some - some.mean(1, keepdim=True)
        gram = self._centred @ self._centred.mT
        ridge = _RIDGE * float(gram.diagonal().mean()) * torch.eye(len(gram), dtype=gram.dtype)
        self._factor = torch.linalg.cholesky(gram + ridge)
        squares = (self._normal @ self._normal.mT)[self._rows, self._columns] / draws.shape[1]
        self._mean = torch.cat([self._normal.mean(1), squares - (self._rows == self._columns).double()])
        """(m,): means of the functions over all draws."""

    def _features(self, normal: Tensor) -> Tensor:
        """Return functions of standardised draws (d, N) that have mean zero over the target, (m, N)."""
        squares = normal[self._rows] * normal[self._columns]
        return torch.cat([normal, squares.sub_((self._rows == self._columns).double().unsqueeze(1))])

    def control(self, values: Tensor, chosen: Tensor) -> Control:
        """Return a control variate with values (N,) at the draws, of which some were chosen as points."""
        some = values[: self._centred.shape[1]]
        slopes = torch.cholesky_solve((self._centred @ some).unsqueeze(1), self._factor).squeeze(1)
        explained = slopes @ self._features(self._normal[:, chosen])
        left = some - slopes @ self._centred[:, : len(some)]
        error = float(left.std()) / math.sqrt(len(values))
        return Control(values[chosen], float(values.mean() - slopes @ self._mean), explained, len(values), error)


@final
@dataclass(frozen=True, eq=False)
class Control:
    """Control variate: an approximation of the function to be averaged, with its mean over many draws."""

    at_points: Tensor
    """(n,)."""
    mean: float
    explained: Tensor
    """(n,): its linear and quadratic part, whose mean is known to be zero."""
    draws: int
    """Number of draws over which the rest was averaged."""
    error: float
    """Standard error of the mean."""


def weighted_mean(values: Tensor, weight: Tensor, control: Control | None = None) -> Estimate:
    """Return the mean of a function of the target from its values at points, with an error fit for an upper limit.

    Args:
        values: (n,): values at the first n points, which may err in one direction.
        weight: of the points, (n,).
        control: of the same points.
    """
    count = len(values)
    rest = values if control is None else values - control.at_points[:count]
    middle = float((weight @ rest) / weight.sum())
    error = upper_error(weight * (rest - middle))
    if control is None:
        return Estimate(middle, error)
    value = middle + control.mean
    left = weight @ (values - control.explained[:count] - value).square() / weight.sum()
    return Estimate(value, math.hypot(error, math.sqrt(float(left) / control.draws)))


def upper_error(values: Tensor) -> float:
    """Return a third of the distance to the upper limit of a mean (n,) at the confidence of three standard errors.

    The standard error, widened for skewness (Johnson, *Modified t tests and confidence intervals for asymmetrical
    populations*, 1978) and for kurtosis k, as Student's t with the ``2 n / (k - 1)`` degrees of freedom of the
    estimated variance: of few heavy terms, those that are missing would have counted most.
    """
    count = len(values)
    spread = float(values.std()) if count > 1 else 0.0
    if not spread > 0:
        return 0.0
    normal = (values - values.mean()) / spread
    skewness, kurtosis = (float(normal.pow(power).mean()) for power in (3, 4))
    freedom = max(2 * count / max(kurtosis - 1, 2.0), _LEAST_FREEDOM)
    skewed = max(skewness, 0.0) * (1 + 2 * SURE**2) / (6 * math.sqrt(count))
    return spread / math.sqrt(count) * (_student(freedom) + skewed) / SURE


def group_error(shares: Tensor) -> float:
    """Return the error of a mean of few groups' values (g,), widened as Student's t widens its limits."""
    count = len(shares)
    if count < 2:
        return 0.0
    return float(shares.std()) / math.sqrt(count) * _student(count - 1) / SURE


def _student(freedom: float) -> float:
    """Return the quantile of Student's t at the probability of three standard errors (Cornish and Fisher's series)."""
    z = -NormalDist().inv_cdf(NormalDist().cdf(-SURE))
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def regression(values: Tensor, approximations: Tensor, weight: Tensor) -> Tensor:
    """Return intercept and slopes (c + 1,) of values (n,) on approximations (c, n), by weighted least squares."""
    design = torch.cat([torch.ones_like(values).unsqueeze(0), approximations]).mT
    root = weight.sqrt()
    slopes = torch.linalg.lstsq(design * root.unsqueeze(1), (values * root).unsqueeze(1), driver="gelsd").solution[:, 0]
    return slopes if bool(slopes.isfinite().all()) else torch.zeros_like(slopes)
