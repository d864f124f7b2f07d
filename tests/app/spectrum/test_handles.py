"""Handles: what a drag makes of a spectrum, in few and in many dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from app.spectrum.handles import EVERY, dragged, handles
from core.spectrum.sections import ExponentialSection, PowerLawSection, ValuesSection
from core.spectrum.setting import SpectrumSetting


def of(**spectrum: object) -> SpectrumSetting:
    return SpectrumSetting.from_dict({"spectrum": spectrum})


def test_points_push_their_neighbours_so_that_the_order_stays() -> None:
    setting = of(kind="values", values=[8.0, 4.0, 2.0, 1.0])
    values = setting.spectrum.build().eigenvalues
    points = handles(setting.spectrum, values)
    up = dragged(setting, values, points, 2, 6.0).spectrum
    down = dragged(setting, values, points, 1, 1.5).spectrum
    assert isinstance(up, ValuesSection)
    assert isinstance(down, ValuesSection)
    assert up.values == (8.0, 6.0, 6.0, 1.0)
    assert down.values == (8.0, 1.5, 1.5, 1.0)


def test_ends_of_a_formula_change_its_numbers() -> None:
    for spectrum, number in (({"kind": "power law"}, "exponent"), ({"kind": "exponential"}, "rate")):
        setting = of(**spectrum, dimension=6)
        values = setting.spectrum.build().eigenvalues
        points = handles(setting.spectrum, values)
        assert [each.is_parameter for each in points] == [True, False, False, False, False, True]
        last = dragged(setting, values, points, 5, 0.05).spectrum
        assert isinstance(last, PowerLawSection | ExponentialSection)
        assert last.build().eigenvalues[5] == pytest.approx(0.05, rel=0.01)
        assert last.scale == 1
        assert getattr(last, number) != getattr(setting.spectrum, number)
        first = dragged(setting, values, points, 0, 3.0).spectrum
        assert isinstance(first, PowerLawSection | ExponentialSection)
        assert first.scale == 3
        middle = dragged(setting, values, points, 2, values[2] * 1.01).spectrum
        assert isinstance(middle, ValuesSection)


def test_handles_of_many_dimensions_bend_the_spectrum_between_their_neighbours() -> None:
    setting = of(kind="values", values=(1 / np.arange(1.0, 257.0)).tolist())
    values = setting.spectrum.build().eigenvalues
    points = handles(setting.spectrum, values)
    assert len(points) < EVERY < len(values)
    which = 6
    bent = dragged(setting, values, points, which, 1.2 * values[points[which].place]).spectrum.build().eigenvalues
    ratio = bent / values
    low, high = points[which - 1].place, points[which + 1].place
    assert ratio[: low + 1] == pytest.approx(1.0, rel=1e-5)
    assert ratio[high:] == pytest.approx(1.0, rel=1e-5)
    assert ratio[points[which].place] == pytest.approx(1.2, rel=1e-5)
    assert (np.diff(bent) <= 0).all()


def test_directions_without_variance_have_no_handle() -> None:
    setting = of(kind="values", values=[2.0, 1.0, 0.0])
    assert [each.place for each in handles(setting.spectrum, setting.spectrum.build().eigenvalues)] == [0, 1]
