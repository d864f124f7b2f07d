from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor, QTransform

from app.widgets.pictures import _MOST_STAMPED, Drawing, _dots


@pytest.mark.parametrize("known", [[], [1, 2]])
def test_band_is_drawn_where_its_limits_are_known(known: list[int]) -> None:
    x, low = np.arange(4.0), np.full(4, np.nan)
    low[known] = 1.0
    drawing = Drawing([], bands=[((x, low, low + 1), QColor("red"))])
    (outline, _), *others = drawing._areas
    assert not others
    assert [(point.x(), point.y()) for point in outline.toList()] == (
        [(1.0, 1.0), (2.0, 1.0), (2.0, 2.0), (1.0, 2.0)] if known else []
    )


@pytest.mark.parametrize("size", [4, 5, 8])
def test_large_particles_are_discs_about_their_places(size: int) -> None:
    points = np.array([[20.5, 40.5, 40.5, -30.0, np.nan, 0.0], [12.5, 30.5, 30.5, 5.0, 1.0, 0.0]], dtype=np.float32)
    found = _dots(points, QTransform(), 60, 50, size)
    one = found[:20, 10:40]
    assert one.sum() == pytest.approx(np.pi * size**2 / 4, rel=0.06)
    rows, columns = np.indices(one.shape) + 0.5
    assert (one * columns).sum() / one.sum() + 10 == pytest.approx(20.5, abs=0.51)
    assert (one * rows).sum() / one.sum() == pytest.approx(12.5, abs=0.51)
    assert found[20:].sum() == pytest.approx(2 * one.sum()), "two at one place"
    assert 0 < found[:10, :10].sum() < one.sum(), "the one at the corner is cut"
    weights = np.array([0.5, 0, 0, 1, 1, 0])
    np.testing.assert_allclose(_dots(points, QTransform(), 60, 50, size, weights).sum(), one.sum() / 2)


def test_small_and_very_many_particles_are_squares() -> None:
    point = np.array([[5.5], [5.5]], dtype=np.float32)
    assert _dots(point, QTransform(), 20, 20, 3).sum() == 9
    many = np.repeat(point, _MOST_STAMPED // 16 + 1, axis=1)
    found = _dots(many, QTransform(), 20, 20, 4)
    assert np.unique(found).tolist() == [0, many.shape[1]]
