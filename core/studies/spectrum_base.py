"""Studies of a spectrum setting: its base, the knobs that turn its numbers, and the methods that are compared.

A cell is a :class:`~core.spectrum.setting.SpectrumSetting` for each method. Knobs are ``nfe``, which gives every method
the steps that these evaluations allow, and the path of any field, such as ``method.sigma`` or ``learning.samples``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

from core.errors import ScenarioError, suggest
from core.samplers import About
from core.spectrum.builtin import find_setting
from core.spectrum.optimum import Budget, within
from core.spectrum.sections import DiffusionSection, DiscreteSection, NumbersSection
from core.spectrum.setting import SpectrumSetting
from core.studies.knobs import NFE, Value, find_knob
from core.text.user_text import quoted

_LIMITS = ("SDE", "ODE")
"""Methods in continuous time."""
_COLOURS = ("#E4572E", "#2E86DE", "#12A07A", "#7B61C9", "#C28A00", "#00838F", "#C2417C", "#6D4C41")
_MEANINGS = {
    "EM": "Euler-Maruyama steps of the reverse SDE.",
    "EI": "Exponential integrator of the reverse SDE.",
    "DDPM": "Ancestral steps of the variance-preserving diffusion.",
    "Euler": "Euler steps of the probability flow ODE.",
    "Heun": "Heun steps of the probability flow ODE.",
    "RK4": "Runge-Kutta steps of the probability flow ODE.",
    "SDE": "Reverse SDE in continuous time.",
    "ODE": "Probability flow ODE in continuous time.",
    "ancestral": "Ancestral sampler of a discrete schedule.",
    "DDIM": "Deterministic sampler of a discrete schedule.",
    "langevin": "Langevin sampling at one noise level.",
}
_SOURCE = (
    "Pierret, Galerne, Diffusion models for Gaussian distributions: Exact solutions and Wasserstein errors, "
    "arXiv:2405.14250"
)


def loaded(base: str | Mapping[str, Any], folder: Path) -> SpectrumSetting:
    """Return the setting of a study in place: eigenvalues of a file are written out.

    Args:
        base: name of a built-in setting, a file, or the setting's tables.
        folder: at which relative paths start.

    Raises:
        ScenarioError: there is no such setting, or it is not valid.
    """
    if isinstance(base, str):
        beside = folder / base
        found = find_setting(str(beside) if beside.is_file() else base)
        setting, folder = found.setting, found.folder
    else:
        setting = SpectrumSetting.from_dict(dict(base))
    if isinstance(setting.spectrum, NumbersSection):
        values = setting.spectrum.build(folder).eigenvalues
        setting = SpectrumSetting.from_dict(
            {**setting.to_dict(), "spectrum": {"kind": "values", "values": values.tolist()}}
        )
    return setting


def methods_of(setting: SpectrumSetting) -> list[str]:
    """Return the names of the methods that can be compared in a setting."""
    kind = setting.method.kind
    if kind == "discrete":
        return ["ancestral", "DDIM", "Heun"]
    return ["langevin"] if kind == "langevin" else ["EM", "EI", "DDPM", "Euler", "Heun", "RK4", *_LIMITS]


def method_of(setting: SpectrumSetting) -> str:
    """Return the name of the method that a setting itself has."""
    method = setting.method
    if isinstance(method, DiffusionSection):
        return method.scheme
    if isinstance(method, DiscreteSection):
        return method.sampler
    return str(getattr(method, "form", method.kind))


def with_method(setting: SpectrumSetting, name: str) -> SpectrumSetting:
    """Return a setting with another method of its kind; its other numbers stay.

    Raises:
        ScenarioError: the setting's kind has no such method.
    """
    known = methods_of(setting)
    if name not in known:
        hint = suggest(name, known)
        raise ScenarioError(
            "", "samplers", f"there is no method {quoted(name)} here{hint} (allowed: {', '.join(known)})"
        )
    if name == method_of(setting):
        return setting
    if setting.method.kind == "discrete":
        return setting.patched({"method": {"sampler": name}})
    if name in _LIMITS:
        return setting.patched({"method": {"kind": "continuous", "form": name, "scheme": None, "points": None}})
    return setting.patched({"method": {"kind": "diffusion", "scheme": name, "form": None}})


def abouts_of(names: tuple[str, ...]) -> dict[str, About]:
    """Return the descriptions of methods by name, in their order, each with a colour of its own."""
    colours = dict(zip(_MEANINGS, cycle(_COLOURS), strict=False))
    return {
        name: About(name, name[0].upper() + name[1:], colours[name], "", _MEANINGS[name], _SOURCE) for name in names
    }


def turned_setting(setting: SpectrumSetting, name: str, value: Value) -> SpectrumSetting:
    """Return a setting with a knob set to a value.

    Raises:
        ScenarioError: the setting has no such field, or does not allow the value.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ScenarioError("", name, f"must be a finite number (is {value})")
    if name == NFE:
        return setting if setting.method.kind == "continuous" else within(setting, Budget(nfe=_whole(name, value)))
    *tables, field = name.split(".")
    is_whole = find_knob(name).is_whole or _is_whole_now(setting, name)
    patch: dict[str, Any] = {field: _whole(name, value) if is_whole and not isinstance(value, str) else value}
    for table in reversed(tables):
        patch = {table: patch}
    return setting.patched(patch)


def _is_whole_now(setting: SpectrumSetting, name: str) -> bool:
    found: Any = setting.to_dict()
    for key in name.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return isinstance(found, int) and not isinstance(found, bool)


def _whole(name: str, value: Value) -> int:
    if isinstance(value, str) or value != int(value):
        raise ScenarioError("", name, f"must be a whole number (is {value})")
    return int(value)
