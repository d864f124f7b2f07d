"""The table of Pierret and Galerne as text, in their layout: truncation and scheme down, score evaluations across."""

from __future__ import annotations

from typing import NamedTuple, final

from core.spectrum.jets import Array
from core.spectrum.published import COLUMNS, HEUN_REASON, STARTS, TRUNCATIONS, TableCell, published_table
from core.spectrum.vp import SCHEMES, STOCHASTIC
from core.text.number_format import number

_STARTS = {"p_T": "p_T", "N0": "N(0, I)"}


@final
class TextTable(NamedTuple):
    """A table of texts."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return title, header, rows and notes as lines with aligned columns."""
        table = (self.header, *self.rows)
        widths = [max(len(row[column]) for row in table) for column in range(len(self.header))]
        aligned = [
            "  ".join(
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in table
        ]
        return [self.title, "", *aligned, "", *self.notes]


def text_table(values: Array) -> TextTable:
    """Return W2 of every scheme at equal numbers of evaluations; the rows of Heun as published stand beside it.

    Args:
        values: eigenvalues, (d,).
    """
    cells: dict[tuple[str, bool, float, int | None, str], TableCell] = {
        (each.scheme, each.is_as_published, each.eps, each.column, each.start): each for each in published_table(values)
    }
    header = ["ε", "scheme", *(f"continuous, {_STARTS[start]}" for start in STARTS)]
    header += [f"{column}, {_STARTS[start]}" for column in COLUMNS for start in STARTS]
    rows = []
    for eps in TRUNCATIONS:
        for scheme in SCHEMES:
            form = "SDE" if scheme in STOCHASTIC else "ODE"
            for published in (False, True) if scheme == "Heun" else (False,):
                found = [cells[form, False, eps, None, start] for start in STARTS]
                found += [cells[scheme, published, eps, column, start] for column in COLUMNS for start in STARTS]
                name = "Heun, as published" if published else scheme
                rows.append((f"{eps:g}", name, *(_w2(cell) for cell in found)))
    title = (
        f"W₂ (exact) of {len(values)} eigenvalues, by truncation and scheme; "
        "across: score evaluations, and the law of the first point"
    )
    counting = (
        "As in the paper N evaluations are N grid points of a scheme that evaluates the score once a step, "
        "N/2 of Heun and N/4 of RK4."
    )
    return TextTable(title, tuple(header), tuple(rows), (counting, f"Heun, as published: {HEUN_REASON}"))


def _w2(cell: TableCell) -> str:
    return number(cell.w2)
