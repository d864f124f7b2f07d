from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor

from app.widgets.pictures import Drawing


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
