"""Views of a prediction: the kernel norm in blocks, and samples of both Gaussians as clouds and pictures."""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from core.spectrum.errors import kernel_norm
from core.spectrum.prediction import Prediction
from core.spectrum.spectra import Array

MOST_CELLS = 256
"""Cells along each side of the kernel norm; larger ones are averaged in blocks."""
KERNEL_DECADES = 6.0
"""Decades of colours below the largest entry at most."""
_POINTS, PICTURES, _SEED = 400, 3, 1
"""Points of a cloud, pairs of pictures, and the seed of both."""


def block_means(lam: Array, m: Array) -> tuple[Array, Array]:
    """Return edges in ranks, (n + 1,), and the mean of the kernel norm in every block, (n, n).

    Args:
        lam: eigenvalues, (d,).
        m: produced variances, (d,); where one is not finite, its rows are zero.
    """
    count = len(lam)
    parts = min(count, MOST_CELLS)
    starts = np.round(np.linspace(0, count, parts + 1)).astype(int)
    safe = np.where(np.isfinite(m), m, 0.0)
    rows = [
        np.add.reduceat(kernel_norm(lam, safe, first, last).sum(0), starts[:-1])
        for first, last in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    ]
    sizes = np.diff(starts)
    return starts + 0.5, np.array(rows) / (sizes[:, None] * sizes)


def kernel_ends(kernel: Array) -> tuple[float, float] | None:
    """Return the ends of a logarithmic scale of colours; None where no entry is positive."""
    positive = kernel[np.isfinite(kernel) & (kernel > 0)]
    if not positive.size:
        return None
    high = float(positive.max())
    low = max(float(positive.min()), high / 10**KERNEL_DECADES)
    return min(low, 0.99 * high), high


@final
class Clouds(NamedTuple):
    """Both Gaussians along the two eigenvectors with the largest errors, from the same random numbers."""

    axes: tuple[int, int]
    """Indices of the eigenvectors, the same twice where there is one only."""
    widths: tuple[Array, Array]
    """Standard deviations of data and samples along them, (2, 1)."""
    points: tuple[Array, Array]
    """(2, n) of data and samples."""

    @property
    def reach(self) -> float:
        """Half of the side of a square that holds both."""
        return 3.2 * float(max(*(each.max() for each in self.widths), 1e-12))


def clouds(prediction: Prediction) -> Clouds:
    """Return points of the data and of what is produced with the exact score."""
    lam = prediction.spectrum.eigenvalues
    order = np.argsort(-np.where(np.isfinite(prediction.squares), prediction.squares, -1.0), kind="stable")
    pair = sorted(order[:2].tolist()) if len(lam) > 1 else [0, 0]
    normals = np.random.default_rng(_SEED).standard_normal((2, _POINTS))
    true, produced = (
        np.sqrt(np.where(np.isfinite(each[pair]), each[pair], 0.0))[:, None] for each in (lam, prediction.produced)
    )
    return Clouds((pair[0], pair[1]), (true, produced), (true * normals, produced * normals))


def sample_pictures(prediction: Prediction) -> NDArray[np.uint8] | None:
    """Return samples as grey levels, (2, 3, height, width): data, then samples, from the same random numbers.

    None where the spectrum is not one of pictures.
    """
    spectrum = prediction.spectrum
    if spectrum.picture is None:
        return None
    normals = np.random.default_rng(_SEED).standard_normal((spectrum.dimension, PICTURES))
    produced = np.where(np.isfinite(prediction.produced), prediction.produced, 0.0)
    both = np.stack([spectrum.samples(normals).T, spectrum.samples(normals, produced).T])
    reach = 1.05 * max(float(np.abs(both[0]).max()), 1e-300)
    levels = np.clip(127.5 * (1 + both / reach), 0, 255).astype(np.uint8)
    return levels.reshape(2, PICTURES, *spectrum.picture)
