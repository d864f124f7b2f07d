"""Checks of matrices in one sentence: definiteness of a covariance, rank of H."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

ROUNDING = 1e-9
"""Deviations below this share of the largest entry count as rounding."""


@final
@dataclass(frozen=True)
class MatrixCheck:
    """Result of a check: whether the matrix is valid, and its properties in words."""

    is_valid: bool
    sentence: str
    kind: str
    """Its property in two or three words."""
    span: str
    """Range of its eigenvalues or singular values, in two significant figures."""


def check_covariance(matrix: Array) -> MatrixCheck:
    """Return symmetry and definiteness of a covariance, (d, d)."""
    skew = np.abs(matrix - matrix.T)
    rounding = ROUNDING * max(float(np.abs(matrix).max()), 1e-300)
    if float(skew.max()) > rounding:
        i, j = divmod(int(skew.argmax()), len(matrix))
        one, other = (_exact(matrix[place]) for place in ((i, j), (j, i)))
        where = f"row {i + 1}, column {j + 1} has {one}, row {j + 1}, column {i + 1} has {other}"
        return MatrixCheck(False, f"Not symmetric: {where}.", "not symmetric", "no eigenvalues")
    values = np.linalg.eigvalsh(matrix)
    smallest, largest = float(values[0]), float(values[-1])
    span = f"eigenvalues {_short(smallest, 2)} to {_short(largest, 2)}"
    if smallest < -rounding:
        sentence = f"Symmetric, but not positive semi-definite: the smallest eigenvalue is {_short(smallest)}."
        return MatrixCheck(False, sentence, "indefinite", span)
    if smallest <= 4 * len(matrix) * float(np.finfo(float).eps) * largest:
        sentence = "Symmetric positive semi-definite, but singular: the smallest eigenvalue is 0 to rounding."
        return MatrixCheck(True, sentence, "singular", f"eigenvalues 0 to {_short(max(largest, 0.0), 2)}")
    words = f"the smallest eigenvalue is {_short(smallest)}, the largest {_short(largest)}"
    return MatrixCheck(True, f"Symmetric positive definite: {words}.", "positive definite", span)


def check_measurement(matrix: Array) -> MatrixCheck:
    """Return the rank of H, (m, d); any matrix is valid."""
    values = np.linalg.svd(matrix, compute_uv=False)
    rank = int((values > ROUNDING * max(float(values[0]), 1e-300)).sum())
    if rank == 0:
        return MatrixCheck(True, "Rank 0: no direction is measured.", "rank 0", "no singular values")
    unmeasured, most = matrix.shape[1] - rank, min(matrix.shape)
    low, high = float(values[rank - 1]), float(values[0])
    shown = f"{rank} direction{'s' if rank > 1 else ''} measured, {unmeasured} unmeasured"
    words = f"Rank {rank} of at most {most}: {shown}; singular values {_short(low)} to {_short(high)}."
    return MatrixCheck(True, words, f"rank {rank}", f"singular values {_short(low, 2)} to {_short(high, 2)}")


def _short(value: float, figures: int = 3) -> str:
    return f"{value:.{figures}g}".replace("-", "−")


def _exact(value: float) -> str:
    return f"{value:.17g}" if float(f"{value:.6g}") != value else f"{value:.6g}"
