"""Gaussian mixtures fitted to points, and the information criterion that chooses among them.

Everything happens in whitened coordinates, in which the points have mean 0 and the identity as covariance: starts,
regularisation and steps of the fit are then the same whatever the columns' units, and after any affine map.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self, final

import numpy as np
from pydantic import ValidationError

from core.data.table import MOST_FITTED, Points
from core.errors import ScenarioError, reason_for
from core.scenario.covariances import Matrix, Vector
from core.scenario.schema import PriorSection

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

MOST_COMPONENTS = 10
"""Largest number of components among which the Bayesian information criterion chooses by default."""
_FLOOR = 1e-6
"""Regularisation: added to the variances of every component, in whitened coordinates."""
_NARROW = 10.0
"""Variances below this count as collapsed to the regularisation floor."""
_STARTS = 5
"""Number of initial clusterings of a fit; the fit with the highest likelihood is kept."""
_FIRST_STEPS, _LAST_STEPS = 40, 300
"""EM iterations: from every start, and of the final refinement of the best."""
_STILL = 1e-5
"""EM stops at this gain of log-likelihood per point."""
_SINGULAR = 1e-7
"""Smallest standard deviation along a principal axis of the scaled columns."""
_DIGITS = 3


@final
@dataclass(frozen=True)
class Fit:
    """A mixture fitted to points."""

    weights: Vector
    """(K,): the heaviest component first."""
    means: Matrix
    """(K, d)."""
    covariances: tuple[Matrix, ...]
    """(K, d, d)."""
    bic: float
    """Bayesian information criterion: the lower, the better for its number of components."""
    used: int
    """Number of points used for the fit."""
    collapsed: bool = False
    """True if a component has collapsed to a few points or a plane: the regularisation then sets its likelihood."""

    @property
    def components(self) -> int:
        """Number K of components."""
        return len(self.weights)

    @cached_property
    def prior(self) -> PriorSection:
        """The mixture as a scenario's prior, rounded to readable numbers.

        Raises:
            ScenarioError: the numbers are outside the limits of a scenario.
        """
        means, covariances = np.array(self.means), np.array(self.covariances)
        digits = places(float(np.sqrt(np.einsum("kii->ki", covariances)).min()))
        try:
            return PriorSection(
                weights=tuple(max(round(weight, _DIGITS), 10.0**-_DIGITS) for weight in self.weights),
                means=tuples(np.round(means, digits)),
                covariances=tuple(tuples(_rounded_covariance(each)) for each in covariances),
            )
        except ValidationError as error:
            reason = reason_for(error.errors()[0])
            raise ScenarioError(
                "", "", f"the fitted prior exceeds a scenario's limits ({reason}); standardise the columns"
            ) from None


def fits(points: Points, counts: Iterable[int], seed: int) -> Iterator[Fit]:
    """Yield one fitted mixture for each number of components; deterministic given the seed.

    Args:
        points: (n, d).
        counts: numbers of components; after the first, those with too few points are skipped.
        seed: of the initial clusterings, and of the subsample where there are too many points.

    Raises:
        ScenarioError: there are too few points, or they lie in a plane.
    """
    seed %= 2**32
    used = some(points, MOST_FITTED, seed)
    frame = _Frame.of(used)
    white = frame.whitened(used)
    distinct, least = len(np.unique(used, axis=0)), used.shape[1] + 1
    for index, count in enumerate(counts):
        if count * least > distinct:
            if index:
                return
            raise ScenarioError(
                "",
                "",
                f"{count} components need at least {count * least} different points (there are {distinct}); "
                "choose fewer components or fewer columns",
            )
        yield frame.fit(_fitted(white, count, seed), white)


def best(found: Iterable[Fit]) -> Fit:
    """Return the fit of lowest BIC, among those that have not collapsed if there are any."""
    return min(found, key=lambda fit: (fit.collapsed, fit.bic))


@final
@dataclass(frozen=True)
class _Frame:
    """Whitening ``x = centre + root z``: points z have mean 0 and identity covariance."""

    centre: Points
    """(d,)."""
    scale: Points
    """(d,): standard deviations of x."""
    axes: Points
    """(d, d): rows are the principal axes of the scaled points."""
    spreads: Points
    """(d,): standard deviations along the principal axes."""

    @classmethod
    def of(cls, points: Points) -> Self:
        """Return the whitening of points (n, d).

        Raises:
            ScenarioError: they lie in a plane, or are not finite.
        """
        centre = points.mean(0)
        scale = (points - centre).std(0)
        if not np.isfinite(scale).all():
            raise ScenarioError("", "", "points must be finite numbers")
        if not (scale > 1e-12 * np.abs(points).max(0)).all():
            raise ScenarioError("", "", "a column is constant; leave it out")
        _, values, axes = np.linalg.svd((points - centre) / scale, full_matrices=False)
        spreads = values / math.sqrt(len(points))
        if len(spreads) < points.shape[1] or spreads[-1] < _SINGULAR:
            raise ScenarioError("", "", "the columns are linearly dependent; leave one of them out")
        return cls(centre, scale, axes, spreads)

    def whitened(self, points: Points) -> Points:
        """Return whitened points z, (n, d), of points x."""
        white: Points = (points - self.centre) / self.scale @ self.axes.T / self.spreads
        return white

    @property
    def root(self) -> Points:
        """(d, d): the images of the axes of z, in columns."""
        return (self.axes.T * self.spreads) * self.scale[:, None]

    def fit(self, model: GaussianMixture, white: Points) -> Fit:
        """Return a mixture of whitened points as a fit in terms of x, with the likelihood of x."""
        root, order = self.root, np.argsort(-model.weights_, kind="stable")
        log_volume = float(np.log(self.spreads).sum() + np.log(self.scale).sum())
        covariances = root @ model.covariances_[order] @ root.T
        return Fit(
            weights=tuple(model.weights_[order].tolist()),
            means=tuples(self.centre + model.means_[order] @ root.T),
            covariances=tuple(tuples((each + each.T) / 2) for each in covariances),
            bic=float(model.bic(white)) + 2 * len(white) * log_volume,
            used=len(white),
            collapsed=_collapsed(model, len(white)),
        )


def _fitted(white: Points, count: int, seed: int) -> GaussianMixture:
    """Return the fit of highest likelihood over several starts, preferring those that have not collapsed."""
    # Loading takes a second, and only fits need it.
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    starts = [
        GaussianMixture(
            count,
            max_iter=_FIRST_STEPS,
            tol=_STILL,
            reg_covar=_FLOOR,
            random_state=int(state),
            warm_start=True,
        )
        for state in np.random.SeedSequence(seed).generate_state(1 if count == 1 else _STARTS)
    ]
    # With few points threads mostly wait for each other: twenty times slower beside other work.
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # an unconverged fit is still usable
        try:
            models = [start.fit(white) for start in starts]
            chosen = max(models, key=lambda model: (not _collapsed(model, len(white)), model.lower_bound_))
            chosen.max_iter = _LAST_STEPS
            chosen.fit(white)
        except ValueError:
            raise ScenarioError("", "", "the fit failed numerically; choose fewer components") from None
    return chosen


def _collapsed(model: GaussianMixture, count: int) -> bool:
    """Return whether a component is at the variance floor, or has too few points for a covariance."""
    narrowest = float(np.linalg.eigvalsh(model.covariances_).min())
    fewest = count * float(model.weights_.min())
    return len(model.weights_) > 1 and (narrowest < _NARROW * _FLOOR or fewest < 1 + model.means_.shape[1])


def _rounded_covariance(covariance: Points) -> Points:
    """Return a covariance rounded to as few decimals as preserve its narrowest direction."""
    narrowest = float(np.linalg.eigvalsh(covariance).min())
    rounded: Points = np.round(covariance, places(narrowest))
    return rounded


def places(scale: float) -> int:
    """Return the number of decimals that shows numbers of this scale to a fixed number of significant digits."""
    return max(0, _DIGITS - 1 - math.floor(math.log10(max(scale, 1e-300))))


def tuples(rows: Points) -> Matrix:
    """Return rows of an array as nested tuples, as scenarios store them."""
    return tuple(tuple(row) for row in rows.tolist())


def some(points: Points, most: int, seed: int) -> Points:
    """Return a random subset of at most ``most`` points, in their order."""
    if len(points) <= most:
        return points
    chosen = np.random.default_rng(seed).choice(len(points), most, replace=False)
    return points[np.sort(chosen)]
