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
from core.scenario.schema import Matrix, PriorSection, Vector

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

MOST_COMPONENTS = 10
"""The Bayesian information criterion chooses among 1 to so many."""
_FLOOR = 1e-6
"""Added to the variances of every component, in whitened coordinates."""
_NARROW = 10.0
"""Floors: less is no variance of the points."""
_STARTS = 5
"""Clusterings that a fit starts from; the most likely outcome is taken."""
_FIRST_STEPS, _LAST_STEPS = 40, 300
"""Of the fit: from every start, and from where the best of them came to."""
_STILL = 1e-5
"""Gain of log-likelihood a point at which a fit ends."""
_SINGULAR = 1e-7
"""Least spread along a direction, where columns are scaled to 1."""
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
    """Number of points that it is fitted to."""
    collapsed: bool = False
    """Whether a component stands on a few points or in a plane: its likelihood is then the fit's floor, no finding."""

    @property
    def components(self) -> int:
        """Number K of components."""
        return len(self.weights)

    @cached_property
    def prior(self) -> PriorSection:
        """The mixture in numbers that people can read.

        Raises:
            ScenarioError: a scenario cannot hold them.
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
            raise ScenarioError("", "", f"the fit is beyond a scenario ({reason}); standardise the columns") from None


def fits(points: Points, counts: Iterable[int], seed: int) -> Iterator[Fit]:
    """Fit mixtures of so many components each; the same seed gives the same fits.

    Args:
        points: (n, d).
        counts: of components; after the first, those that the points cannot bear are left out.
        seed: of the starts, and of the choice of points where there are too many.

    Raises:
        ScenarioError: the points bear none of them, or lie in a plane.
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
                "take fewer components or fewer columns",
            )
        yield frame.fit(_fitted(white, count, seed), white)


def best(found: Iterable[Fit]) -> Fit:
    """Return the fit whose criterion is lowest, among those that have not collapsed if there are any."""
    return min(found, key=lambda fit: (fit.collapsed, fit.bic))


@final
@dataclass(frozen=True)
class _Frame:
    """``x = centre + root z``: whitened points z have mean 0 and the identity as covariance."""

    centre: Points
    """(d,)."""
    scale: Points
    """(d,): standard deviations of x."""
    axes: Points
    """(d, d): rows are the principal axes of the scaled points."""
    spreads: Points
    """(d,): standard deviations along them."""

    @classmethod
    def of(cls, points: Points) -> Self:
        """The frame of some points.

        Raises:
            ScenarioError: they lie in a plane, or are no numbers.
        """
        centre = points.mean(0)
        scale = (points - centre).std(0)
        if not np.isfinite(scale).all():
            raise ScenarioError("", "", "points must be finite numbers")
        if not (scale > 1e-12 * np.abs(points).max(0)).all():
            raise ScenarioError("", "", "a column is the same everywhere; leave it out")
        _, values, axes = np.linalg.svd((points - centre) / scale, full_matrices=False)
        spreads = values / math.sqrt(len(points))
        if len(spreads) < points.shape[1] or spreads[-1] < _SINGULAR:
            raise ScenarioError("", "", "the columns depend on each other linearly; leave one of them out")
        return cls(centre, scale, axes, spreads)

    def whitened(self, points: Points) -> Points:
        """(n, d): z of points x."""
        white: Points = (points - self.centre) / self.scale @ self.axes.T / self.spreads
        return white

    @property
    def root(self) -> Points:
        """(d, d): columns are what the axes of z become."""
        return (self.axes.T * self.spreads) * self.scale[:, None]

    def fit(self, model: GaussianMixture, white: Points) -> Fit:
        """A fit in terms of x; the likelihood is that of x, too."""
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
    """The most likely of several fits, among those that have not collapsed if there are any."""
    # It takes a second to load, and few need it.
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
    # On few points threads only wait for each other: twenty times as long beside other work.
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # a fit that still moves a little is a fit
        try:
            models = [start.fit(white) for start in starts]
            chosen = max(models, key=lambda model: (not _collapsed(model, len(white)), model.lower_bound_))
            chosen.max_iter = _LAST_STEPS
            chosen.fit(white)
        except ValueError:
            raise ScenarioError("", "", "the fit broke down; take fewer components") from None
    return chosen


def _collapsed(model: GaussianMixture, count: int) -> bool:
    """Whether a component is as narrow as the floor lets it be, or rests on too few points to have a shape."""
    narrowest = float(np.linalg.eigvalsh(model.covariances_).min())
    fewest = count * float(model.weights_.min())
    return len(model.weights_) > 1 and (narrowest < _NARROW * _FLOOR or fewest < 1 + model.means_.shape[1])


def _rounded_covariance(covariance: Points) -> Points:
    """As few places as leave its narrowest direction what it is."""
    narrowest = float(np.linalg.eigvalsh(covariance).min())
    rounded: Points = np.round(covariance, places(narrowest))
    return rounded


def places(scale: float) -> int:
    """Return the decimal places that show so many digits of numbers of this scale."""
    return max(0, _DIGITS - 1 - math.floor(math.log10(max(scale, 1e-300))))


def tuples(rows: Points) -> Matrix:
    """Return rows as a scenario has them."""
    return tuple(tuple(row) for row in rows.tolist())


def some(points: Points, most: int, seed: int) -> Points:
    """Return not more than so many of the points, in their order."""
    if len(points) <= most:
        return points
    chosen = np.random.default_rng(seed).choice(len(points), most, replace=False)
    return points[np.sort(chosen)]
