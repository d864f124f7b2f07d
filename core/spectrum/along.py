"""Simulation of a setting along the curve of W2 against one of its numbers: the ground truth beside predictions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, final

import numpy as np

from core.errors import ScenarioError
from core.spectrum.optimum import default_range, with_values
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import Simulated, simulate_setting

POINTS = 13
"""Values at which a curve is simulated."""


@final
class Step(NamedTuple):
    """What is known after some repeats at one value."""

    setting: SpectrumSetting
    """With this value."""
    simulated: Simulated | None
    """None: it cannot be simulated there, see :attr:`reason`."""
    done: float
    """How many of the values are done; parts of one count."""
    total: int
    """How many values there are."""
    reason: str = ""


def values_along(setting: SpectrumSetting, key: str, points: int = POINTS) -> list[float]:
    """Return values of a number, from coarse to fine: some of those at which its curve is drawn.

    Raises:
        ScenarioError: the setting has no such number.
    """
    values = default_range(setting, key)
    chosen = values[np.unique(np.round(np.linspace(0, len(values) - 1, points)).astype(int))].tolist()
    order = sorted(range(len(chosen)), key=lambda at: (-(at & -at) if at else -len(chosen), at))
    return [float(f"{chosen[at]:.4g}") for at in order]


def simulate_along(setting: SpectrumSetting, key: str, folder: Path = Path()) -> Iterator[Step]:
    """Yield simulations of a setting with other values of one number, with the setting's repeats and seed.

    Args:
        setting: all other numbers.
        key: of a number that can be varied.
        folder: at which relative paths in the setting start.

    Raises:
        ScenarioError: the setting has no such number, or no spectrum.
    """
    values = values_along(setting, key)
    spectrum = None if key.startswith("spectrum.") else setting.spectrum.build(folder)
    for place, value in enumerate(values):
        one = setting
        try:
            one = with_values(setting, {key: value})
            repeats = one.learning.repeats if one.learning.is_random else 1
            for found in simulate_setting(one, spectrum or one.spectrum.build(folder)):
                yield Step(one, found, place + found.w2_squared.count / repeats, len(values))
        except ScenarioError as error:  # such as a step that DDPM does not allow
            yield Step(one, None, place + 1, len(values), error.reason)
