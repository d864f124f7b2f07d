"""The table of Pierret and Galerne: W2 of solvers of the diffusion at equal numbers of score evaluations.

Pierret, Galerne, "Diffusion models for Gaussian distributions: Exact solutions and Wasserstein errors", ICML 2025,
arXiv:2405.14250; b0 = 0.05, b1 = 10. The paper counts N evaluations for N grid points, although the last point needs
none; so does the table here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from core.spectrum.errors import w2
from core.spectrum.jets import Array
from core.spectrum.methods import Method
from core.spectrum.vp import EVALUATIONS, SCHEMES, DiffusionStart, Scheme, VPDiffusion, VPLimit

COLUMNS = (50, 250, 500, 1000)
"""Numbers of score evaluations."""
TRUNCATIONS = (0.0, 1e-5, 1e-4, 1e-3)
STARTS: tuple[DiffusionStart, ...] = ("p_T", "N0")

HEUN_REASON = (
    "The published Heun rows equal an evaluation with N grid points, that is with twice the stated number of score "
    "evaluations: in the public notebook a second `if` overwrites the result that was computed with N / 2 points. The "
    "row at equal cost has N / 2 grid points."
)

RowScheme: TypeAlias = Scheme | Literal["SDE", "ODE"]


@final
@dataclass(frozen=True)
class TableCell:
    """One cell of the table; W2 is exact."""

    scheme: RowScheme
    column: int | None
    """The stated number of score evaluations; None: continuous time."""
    grid_points: int | None
    nfe: int | None
    """Score evaluations of this cell in the paper's count, grid points times evaluations a step."""
    start: DiffusionStart
    eps: float
    w2: float
    """Infinite where the scheme divides by an eigenvalue that is zero."""
    is_as_published: bool = False
    """True for the second Heun rows, see :data:`HEUN_REASON`."""


def published_table(
    lam: Array,
    schemes: Sequence[Scheme] = SCHEMES,
    columns: Sequence[int] = COLUMNS,
    truncations: Sequence[float] = TRUNCATIONS,
    starts: Sequence[DiffusionStart] = STARTS,
) -> list[TableCell]:
    """Return the cells of the table for a spectrum (d,), by scheme, truncation, column and start.

    First the continuous SDE and ODE, then each scheme at its true number of evaluations, then Heun as published.
    """
    return list(_cells(lam, schemes, columns, truncations, starts))


def _cells(
    lam: Array,
    schemes: Sequence[Scheme],
    columns: Sequence[int],
    truncations: Sequence[float],
    starts: Sequence[DiffusionStart],
) -> Iterator[TableCell]:
    for form in ("SDE", "ODE"):
        for eps in truncations:
            for start in starts:
                yield TableCell(form, None, None, None, start, eps, _w2(VPLimit(eps, start, form=form), lam))
    rows = [(scheme, False) for scheme in schemes]
    rows += [("Heun", True)] if "Heun" in schemes else []
    for scheme, is_as_published in rows:
        for eps in truncations:
            for column in columns:
                points = column if is_as_published else column // EVALUATIONS[scheme]
                for start in starts:
                    found = _w2(VPDiffusion(eps, start, scheme=scheme, points=points), lam)
                    nfe = points * EVALUATIONS[scheme]
                    yield TableCell(scheme, column, points, nfe, start, eps, found, is_as_published)


def _w2(method: Method, lam: Array) -> float:
    return w2(lam, method.produced(lam))
