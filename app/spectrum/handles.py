"""Handles of a spectrum: which points can be dragged, and what a drag makes of the setting."""

from __future__ import annotations

import math
from typing import NamedTuple, final

import numpy as np

from core.spectrum.sections import ExponentialSection, PowerLawSection, SpectrumSection, ValuesSection
from core.spectrum.setting import SpectrumSetting
from core.spectrum.spectra import Array

EVERY = 40
"""Largest dimension in which every point is a handle."""
_BENDING = 13
"""Number of handles of larger spectra."""
_LEAST, _LARGEST = 1e-12, 1e12
"""Limits of a dragged eigenvalue."""
_FORMULAS = (PowerLawSection, ExponentialSection)


@final
class Handle(NamedTuple):
    """A point that can be dragged."""

    place: int
    """Index of the eigenvalue, from the largest."""
    tip: str
    """Effect of a drag."""
    is_parameter: bool = False
    """It changes a number of the formula, not this eigenvalue alone."""


def handles(section: SpectrumSection, values: Array) -> list[Handle]:
    """Return the handles of a spectrum; directions in which the data do not vary have none."""
    count = len(values)
    if count <= EVERY:
        places, tip = np.arange(count), "Drag it up or down: this eigenvalue alone"
    else:
        places = np.unique(np.round(np.geomspace(1, count, _BENDING)).astype(int)) - 1
        tip = "Drag it up or down: the spectrum bends between the neighbouring handles"
    found = [Handle(index, tip) for index in places.tolist() if values[index] > 0]
    if isinstance(section, _FORMULAS) and count > 1 and len(found) > 1:
        number = "exponent" if isinstance(section, PowerLawSection) else "rate"
        found[0] = Handle(found[0].place, "Drag it up or down: the scale of all eigenvalues", is_parameter=True)
        found[-1] = Handle(found[-1].place, f"Drag it up or down: the {number}", is_parameter=True)
    return found


def dragged(
    setting: SpectrumSetting, values: Array, all_handles: list[Handle], which: int, to: float
) -> SpectrumSetting:
    """Return the setting after a handle was dragged.

    Args:
        setting: before the drag.
        values: its eigenvalues.
        all_handles: its handles.
        which: the dragged one.
        to: the eigenvalue at the pointer.
    """
    handle, to = all_handles[which], min(max(to, _LEAST), _LARGEST)
    section = setting.spectrum
    if handle.is_parameter and isinstance(section, _FORMULAS):
        return setting.model_copy(update={"spectrum": _with_parameter(section, handle.place, to)})
    bent = values.copy()
    if len(values) <= EVERY:
        bent[handle.place] = to
    else:
        ranks = np.log(np.arange(1, len(values) + 1))
        ends = [all_handles[at].place for at in (which - 1, which + 1) if 0 <= at < len(all_handles)]
        known = sorted({handle.place, *ends})
        weights = [1.0 if index == handle.place else 0.0 for index in known]
        hat = np.interp(ranks, ranks[known], weights)
        bent = bent * (to / values[handle.place]) ** hat
    at = handle.place
    pushed = np.concatenate([np.maximum(bent[:at], bent[at]), bent[at : at + 1], np.minimum(bent[at + 1 :], bent[at])])
    rounded = tuple(float(f"{value:.6g}") for value in pushed)
    return setting.model_copy(update={"spectrum": ValuesSection(kind="values", values=rounded)})


def _with_parameter(section: PowerLawSection | ExponentialSection, index: int, to: float) -> SpectrumSection:
    """Return a formula that passes through a point: by its scale at the first one, else by exponent or rate."""
    if index == 0:
        return section.model_copy(update={"scale": _short(to)})
    ratio = math.log(section.scale / to)
    if isinstance(section, PowerLawSection):
        return section.model_copy(update={"exponent": _short(min(max(ratio / math.log(index + 1), -20.0), 20.0))})
    return section.model_copy(update={"rate": _short(min(max(ratio / index, 0.0), 100.0))})


def _short(value: float) -> float:
    return float(f"{value:.3g}")
