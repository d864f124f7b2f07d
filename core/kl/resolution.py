"""How near to each other a step's images must lie, and laws on finer grids.

A sum over the nodes of a law, in place of an integral, adds to what a step makes of a wave the step's response at the
frequencies of the images' lattice. Where the noise is small against the distance of images only the deposit's splines
damp them: images farther apart than the new nodes stay visible, as the teeth of a comb. A law is smooth, so its
logarithm can be interpolated on a finer grid before the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.kl.axis import Axis
from core.kl.grid import GridLaw
from core.kl.splines import Blur

Array = NDArray[np.float64]
Response = Callable[[Array], Array]
"""What a step makes of a wave along one axis, by its frequency: factor of its amplitude."""

_VISIBLE = 2e-3
"""Root mean square of the teeth, in parts of the density, that count."""
_HEAVY = 12.0
"""Nodes where both log densities are farther than this below their highest do not count."""
_SAMPLE = 500
"""Nodes at which the images' lattice is looked at."""
_MIDPOINT = np.array([3.0, -25.0, 150.0, 150.0, -25.0, 3.0]) / 256
"""Weights of six nodes that interpolate between the third and the fourth."""
_PARTS = 0.8, 0.5, 0.0
"""Parts of a lattice's frequency at which the response to images within a small extent is looked at."""
_POINT = 1e-30
"""Distance, or area, below which images are one."""
_BEYOND = 0.5
"""How far interpolated logarithms may leave the interval of their two neighbours."""


def deposit_response(spacing: float, blur: Blur) -> Response:
    """Return the response of a deposit by cubic B-splines, and of what is blurred then."""
    symbol = blur.symbol
    angles = np.linspace(0, math.pi, len(symbol))

    def response(frequency: Array) -> Array:
        phase = np.abs(spacing * frequency)
        folded = 2 * math.pi * np.abs(phase - np.round(phase))
        found: Array = np.square(np.square(np.sinc(phase))) * np.abs(np.interp(folded, angles, symbol))
        return found

    return response


def gaussian_response(variance: float) -> Response:
    """Return the response of the exact kernel."""
    return lambda frequency: np.exp(-2 * (math.pi * frequency) ** 2 * variance)


def is_apart(law: GridLaw, image: Array, responses: Sequence[Response]) -> NDArray[np.bool_]:
    """Return (d,): whether a step would leave the law's nodes along each axis apart from each other.

    Args:
        law: before the step.
        image: (d, m): where the step takes the live nodes.
        responses: of the step along each axis.
    """
    own, wanted = law.log_density - law.log_density.max(), law.log_target - law.log_target.max()
    heavy = np.flatnonzero(np.maximum(own, wanted) > -_HEAVY)
    heavy = heavy[:: max(1, len(heavy) // _SAMPLE)]
    strides = (law.scaled.shape[1], 1)[: len(law.axes)]
    after = [np.searchsorted(law.live, law.live[heavy] + stride).clip(max=law.live.size - 1) for stride in strides]
    has_next = [law.live[index] == law.live[heavy] + stride for index, stride in zip(after, strides, strict=True)]
    kept = np.logical_and.reduce(has_next)
    nodes = heavy[kept]
    weight = sum(np.exp(each[nodes]) / np.exp(each[nodes]).sum() for each in (own, wanted))
    steps = np.stack([image[:, index[kept]] - image[:, nodes] for index in after])  # (d, d, k): node's axis, image's
    places = image[:, nodes]
    middle = places @ weight / weight.sum()
    spread = np.sqrt(np.square(places - middle[:, None]) @ weight / weight.sum()) + _POINT
    found = np.zeros(len(law.axes), bool)
    for along, frequency in enumerate(_frequencies(steps)):
        sides = zip(responses, frequency, spread, strict=True)
        teeth = math.prod((_broadened(*each) for each in sides), start=np.ones(1))
        found[along] = math.sqrt(0.5 * float(weight @ np.square(teeth))) > _VISIBLE
    return found


def _broadened(response: Response, frequency: Array, spread: float) -> Array:
    """Return the response to a wave that lasts no longer than a Gaussian with a standard deviation."""
    found = response(frequency)
    penalty = -0.5 * np.square(math.tau * spread * frequency)
    for part in _PARTS:
        share = np.exp(penalty * (1 - part) ** 2)
        if share.max(initial=0.0) > _VISIBLE:
            found = np.maximum(found, share * response(part * frequency))
    return found


def _frequencies(steps: Array) -> Array:
    """Return (d, d, k): along the axes, the frequencies that lattices with these steps do not tell from zero."""
    if len(steps) == 1:
        return 1 / np.where(np.abs(steps) < _POINT, _POINT, steps)
    (a, b), (c, d) = steps
    determinant = a * d - b * c
    least = 1e-12 * (np.abs(a * d) + np.abs(b * c)) + _POINT
    determinant = np.where(np.abs(determinant) < least, least, determinant)
    found: Array = np.stack([np.stack([d, -c]), np.stack([-b, a])]) / determinant
    return found


def refined(law: GridLaw, along: int) -> GridLaw:
    """Return a law on a grid with half the spacing along one axis."""
    axis = law.axes[along]
    axes = list(law.axes)
    axes[along] = Axis(axis.first, axis.spacing / 2, 2 * axis.size - 1)
    logarithm = np.moveaxis(_halved(np.moveaxis(law.logarithms, along, 0)), 0, along)
    exponents = logarithm.max(1)
    exponents = np.where(np.isfinite(exponents), exponents, 0.0)
    scaled = np.exp(logarithm - exponents[:, None])
    return replace(law, axes=tuple(axes), scaled=np.ascontiguousarray(scaled), exponents=exponents, logarithm=None)


def _halved(values: Array) -> Array:
    """Return (2 n - 1, k): the rows of (n, k), and interpolated rows between them."""
    count = len(values)
    padded = np.concatenate([values[:1], values[:1], values, values[-1:], values[-1:]])
    with np.errstate(invalid="ignore"):
        between = sum(weight * padded[shift : shift + count - 1] for shift, weight in enumerate(_MIDPOINT))
        low, high = np.minimum(values[:-1], values[1:]), np.maximum(values[:-1], values[1:])
        between = np.where(np.isfinite(between), between, (low + high) / 2)
        between = np.clip(between, low - _BEYOND, high + _BEYOND)
    found = np.empty((2 * count - 1, values.shape[1]))
    found[::2], found[1::2] = values, between
    return found
