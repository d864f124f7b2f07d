"""What there is to say of a matrix in one sentence: definiteness of a covariance, rank of H."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

ROUNDING = 1e-9
"""What is a smaller share of the largest entry is rounding."""


@final
@dataclass(frozen=True)
class Verdict:
    """Whether a matrix may be taken, and what it is, in one sentence and in a few words."""

    is_valid: bool
    sentence: str
    summary: str


def judge_covariance(matrix: Array) -> Verdict:
    """Judge a covariance, (d, d)."""
    size = f"{len(matrix)} × {len(matrix)}"
    skew = np.abs(matrix - matrix.T)
    rounding = ROUNDING * max(float(np.abs(matrix).max()), 1e-300)
    if float(skew.max()) > rounding:
        i, j = divmod(int(skew.argmax()), len(matrix))
        one, other = (_exact(matrix[place]) for place in ((i, j), (j, i)))
        where = f"row {i + 1}, column {j + 1} has {one}, row {j + 1}, column {i + 1} has {other}"
        return Verdict(False, f"Not symmetric: {where}.", f"{size}, not symmetric")
    values = np.linalg.eigvalsh(matrix)
    smallest, largest = float(values[0]), float(values[-1])
    span = f"eigenvalues {_short(smallest)} to {_short(largest)}"
    if smallest < -rounding:
        sentence = f"Symmetric, but not positive semi-definite: the smallest eigenvalue is {_short(smallest)}."
        return Verdict(False, sentence, f"{size}, indefinite, {span}")
    if smallest <= 4 * len(matrix) * float(np.finfo(float).eps) * largest:
        words = "the smallest eigenvalue is 0 to rounding"
        summary = f"{size}, singular, eigenvalues 0 to {_short(max(largest, 0.0))}"
        return Verdict(True, f"Symmetric positive semi-definite, but singular: {words}.", summary)
    words = f"the smallest eigenvalue is {_short(smallest)}, the largest {_short(largest)}"
    return Verdict(True, f"Symmetric positive definite: {words}.", f"{size}, positive definite, {span}")


def judge_measurement(matrix: Array) -> Verdict:
    """Judge H, (m, d): any matrix may be taken."""
    values = np.linalg.svd(matrix, compute_uv=False)
    rank = int((values > ROUNDING * max(float(values[0]), 1e-300)).sum())
    most = min(matrix.shape)
    size = f"{matrix.shape[0]} × {matrix.shape[1]}"
    if rank == 0:
        return Verdict(True, "Rank 0: nothing is measured.", f"{size}, rank 0")
    span = f"{_short(float(values[rank - 1]))} to {_short(float(values[0]))}"
    unmeasured = matrix.shape[1] - rank
    words = (
        f"Rank {rank} of at most {most}: {rank} directions measured, {unmeasured} unmeasured; singular values {span}."
    )
    return Verdict(True, words, f"{size}, rank {rank}, singular values {span}")


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _exact(value: float) -> str:
    return f"{value:.17g}" if float(f"{value:.6g}") != value else f"{value:.6g}"
