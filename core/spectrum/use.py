"""Spectra in a notebook or a program: load a setting, predict it, simulate it."""

from __future__ import annotations

from core.spectrum.builtin import find_setting
from core.spectrum.prediction import Prediction, predict
from core.spectrum.sections import NumbersSection
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import Simulated, simulate_setting


def load_spectrum(name: str) -> SpectrumSetting:
    """Load a spectrum setting from a file, or a built-in one by its key; an existing file comes first.

    A relative path of a file of numbers becomes absolute, so that the setting means the same anywhere.

    Raises:
        ScenarioError: there is no such setting, or it is not valid.
    """
    found = find_setting(name)
    section = found.setting.spectrum
    if not isinstance(section, NumbersSection):
        return found.setting
    place = str((found.folder / section.path).resolve())
    return found.setting.model_copy(update={"spectrum": section.model_copy(update={"path": place})})


def predict_spectrum(setting: SpectrumSetting) -> Prediction:
    """Return W2 of a setting, its sources and the variances that its sampler produces, with their kinds.

    Raises:
        ScenarioError: its spectrum cannot be read.
    """
    return predict(setting, setting.spectrum.build())


def simulate_spectrum(setting: SpectrumSetting, *, repeats: int | None = None, seed: int | None = None) -> Simulated:
    """Return the ground truth of a setting: means over repeats of learning and sampling, with standard errors.

    Args:
        setting: what is simulated.
        repeats: number of repeats; None: the setting's own.
        seed: of all random numbers; None: the setting's own.

    Raises:
        ScenarioError: its spectrum cannot be read, or SGD would take too many steps.
    """
    *_, found = simulate_setting(setting, setting.spectrum.build(), repeats=repeats, seed=seed)
    return found
