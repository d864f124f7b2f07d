from __future__ import annotations

import numpy as np
import pytest

from core.spectrum.jets import Array
from core.spectrum.published import HEUN_REASON, published_table
from core.spectrum.vp import SCHEMES

LAM = 1.0 / np.arange(1, 9)


def test_heun_stands_twice_at_true_cost_and_as_published() -> None:
    cells = published_table(LAM, columns=(50, 250))
    assert len(cells) == 2 * 4 * 2 + (len(SCHEMES) + 1) * 4 * 2 * 2
    heun = [cell for cell in cells if cell.scheme == "Heun" and cell.eps == 1e-3 and cell.start == "N0"]
    found = [(cell.column, cell.grid_points, cell.nfe, cell.is_as_published) for cell in heun]
    assert found == [(50, 25, 50, False), (250, 125, 250, False), (50, 50, 100, True), (250, 250, 500, True)]
    assert "twice" in HEUN_REASON
    assert all(cell.nfe is None for cell in cells if cell.column is None)
    runge_kutta = next(cell for cell in cells if cell.scheme == "RK4" and cell.column == 250)
    assert (runge_kutta.grid_points, runge_kutta.nfe) == (62, 248)


def test_table_holds_the_published_cells(cifar10: Array, published_cells: list[dict[str, str]]) -> None:
    cells = {
        (cell.scheme, cell.grid_points, cell.start, cell.eps): cell
        for cell in published_table(cifar10, ("EM", "Euler", "Heun"), (50, 1000))
    }
    for row in published_cells:
        cell = cells[row["scheme"], int(row["grid_points"]), row["start"], float(row["eps"])]  # type: ignore[index]
        assert cell.nfe == int(row["nfe"])
        assert cell.w2 == pytest.approx(float(row["w2"]), rel=5e-6)
