"""W2 against any number of a setting, and the numbers that minimise it under a budget."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, final

import numpy as np
from scipy import optimize

from core.errors import ScenarioError
from core.simulation.work import Work
from core.spectrum.prediction import predict
from core.spectrum.sections import (
    MOST_STEPS,
    ContinuousSection,
    DiffusionSection,
    DiscreteSection,
    LangevinSection,
    LearningSection,
)
from core.spectrum.setting import SpectrumSetting
from core.spectrum.spectra import Array, Spectrum
from core.spectrum.validity import largest_tau
from core.spectrum.vp import EVALUATIONS


@final
class Parameter(NamedTuple):
    """A number of a setting that can be varied."""

    key: str
    """Table and name, as ``method.sigma``."""
    label: str
    low: float
    """Smallest value that is offered."""
    high: float
    is_whole: bool = False
    is_logarithmic: bool = True


PARAMETERS = (
    Parameter("method.sigma", "noise amplitude σ", 1e-4, 1e3),
    Parameter("method.gamma", "step γ", 1e-8, 1e3),
    Parameter("method.steps", "number of steps k", 1, 1e6, is_whole=True),
    Parameter("method.points", "number of grid points", 2, 1e4, is_whole=True),
    Parameter("method.eps", "truncation ε", 1e-8, 0.5),
    Parameter("method.beta_start", "β at time 0", 1e-4, 1e2),
    Parameter("method.beta_end", "β at time 1", 1e-2, 1e3),
    Parameter("method.schedule.steps", "number of steps T", 2, 1e4, is_whole=True),
    Parameter("learning.samples", "number of samples N", 2, 1e9, is_whole=True),
    Parameter("learning.tau", "SGD step τ", 1e-9, 1.0),
    Parameter("spectrum.exponent", "exponent of the spectrum", 0.0, 6.0, is_logarithmic=False),
    Parameter("spectrum.rate", "rate of the spectrum", 0.0, 5.0, is_logarithmic=False),
    Parameter("spectrum.scale", "scale of the spectrum", 1e-6, 1e6),
    Parameter("spectrum.variance", "variance of a pixel", 1e-6, 1e6),
    Parameter("spectrum.length", "correlation length", 0.1, 100.0),
)
_WITHOUT_VALUE = {"learning.samples": 1000.0, "learning.tau": 1e-4, "spectrum.exponent": 2.0, "spectrum.length": 4.0}
"""Middle of the range of what the setting leaves out."""
_SPAN = 30.0
"""Ratio of the ends of a range to its middle."""


def parameters(setting: SpectrumSetting) -> list[Parameter]:
    """Return the numbers of a setting that can be varied."""
    return [each for each in PARAMETERS if _applies(setting, each.key)]


def find_parameter(setting: SpectrumSetting, key: str) -> Parameter:
    """Return one of the numbers that can be varied, by its key.

    Raises:
        ScenarioError: the setting has no such number.
    """
    known = {each.key: each for each in parameters(setting)}
    if key not in known:
        raise ScenarioError("", key, f"cannot be varied here; allowed: {', '.join(known)}")
    return known[key]


def main_parameter(setting: SpectrumSetting) -> str:
    """Return the key of the number against which W2 is drawn unless another is named: samples, sigma, or steps."""
    wanted = ("learning.samples",) if setting.learning.samples is not None else ()
    order = (*wanted, "method.sigma", "method.points", "method.schedule.steps", "method.eps")
    known = {each.key for each in parameters(setting)}
    return str(next(key for key in order if key in known))


def _applies(setting: SpectrumSetting, key: str) -> bool:
    table, *middle, name = key.split(".")
    section: Any = getattr(setting, table)
    for part in middle:
        section = getattr(section, part, None)
    if name == "steps" and isinstance(section, LangevinSection):
        return section.steps is not None
    if name in {"exponent", "length"} and getattr(section, "kind", "") == "field":
        return bool((section.model == "matern") == (name == "length"))
    return section is not None and name in type(section).model_fields


def value_of(setting: SpectrumSetting, key: str) -> float | None:
    """Return a setting's value of a parameter; None where it is left out."""
    section: Any = setting
    for part in key.split("."):
        section = getattr(section, part)
    return None if section is None else float(section)


def with_values(setting: SpectrumSetting, values: dict[str, float]) -> SpectrumSetting:
    """Return a setting with other values of some parameters.

    Raises:
        ScenarioError: the result is not valid.
    """
    patch: dict[str, Any] = {}
    for key, value in values.items():
        *tables, name = key.split(".")
        table = patch
        for each in tables:
            table = table.setdefault(each, {})
        table[name] = round(value) if find_parameter(setting, key).is_whole else float(value)
    return setting.patched(patch)


# Curves


@final
@dataclass(frozen=True, eq=False)
class Curve:
    """W2 against one number of a setting."""

    key: str
    label: str
    values: Array
    """(n,)."""
    exact: Array
    """(n,): W2 with the exact score, which is exact; NaN where the setting is not valid."""
    learned: Array | None
    """(n,): predicted W2 with what is learned; None where nothing is."""
    present: float | None
    """The setting's own value."""
    is_logarithmic: bool


def default_range(setting: SpectrumSetting, key: str, points: int = 49) -> Array:
    """Return values of a parameter around the setting's own."""
    parameter, present = find_parameter(setting, key), value_of(setting, key)
    if not parameter.is_logarithmic:
        return np.linspace(parameter.low, parameter.high, points)
    middle = present or _WITHOUT_VALUE.get(key) or math.sqrt(parameter.low * parameter.high)
    low, high = max(parameter.low, middle / _SPAN), min(parameter.high, middle * _SPAN)
    values = np.geomspace(low, high, points)
    return np.unique(np.round(values)) if parameter.is_whole else values


def curve(setting: SpectrumSetting, key: str, spectrum: Spectrum, values: Array | None = None) -> Work[Curve]:
    """Compute W2 against one number; yields between its values.

    Args:
        setting: all other numbers.
        key: of one of :func:`parameters`.
        spectrum: of the setting; it is built anew where a number of it is varied.
        values: of the number; None: a range around the setting's own.

    Raises:
        ScenarioError: the setting has no such number.
    """
    parameter = find_parameter(setting, key)
    chosen = default_range(setting, key) if values is None else np.asarray(values, dtype=np.float64)
    exact, learned = np.full((2, len(chosen)), math.nan)
    is_learned = setting.learning.is_random or key in {"learning.samples", "learning.tau"}
    for index, value in enumerate(chosen.tolist()):
        yield
        try:
            one = with_values(setting, {key: value})
            found = predict(one, one.spectrum.build() if key.startswith("spectrum.") else spectrum)
        except ScenarioError:  # such as a step that DDPM does not allow
            continue
        exact[index] = math.sqrt(found.exact_squared)
        learned[index] = math.sqrt(max(found.w2_squared.value, 0.0))
    present = value_of(setting, key)
    label = parameter.label
    return Curve(key, label, chosen, exact, learned if is_learned else None, present, parameter.is_logarithmic)


# The best choice


@final
@dataclass(frozen=True)
class Budget:
    """What may be spent; None: no limit."""

    nfe: int | None = None
    """Evaluations of the score of one sample."""
    samples: int | None = None
    """N."""
    sgd_steps: int | None = None
    """Steps of SGD, which starts at W = 0; one pass, so that there are at most N."""


@final
@dataclass(frozen=True)
class Optimum:
    """The numbers that minimise predicted W2 under a budget."""

    setting: SpectrumSetting
    values: dict[str, float]
    """By key; whole where the number is."""
    w2: float
    """Predicted there."""
    kind: str
    """What kind of number w2 is."""
    at_limit: tuple[str, ...]
    """Keys whose best value is the end of their range: more would be better still."""


def optimum(
    setting: SpectrumSetting, budget: Budget, spectrum: Spectrum, keys: Collection[str] | None = None
) -> Work[Optimum]:
    """Minimise predicted W2 over sigma and gamma, or eps and the grid points, and tau where there is one.

    A grid on logarithmic axes first, then Nelder and Mead's simplex within bounds; yields every few predictions.

    Args:
        setting: its other numbers stay, but for what the budget says.
        budget: what may be spent.
        spectrum: of the setting.
        keys: of the numbers to choose, among :func:`choices`; None: all of them.

    Raises:
        ScenarioError: there is nothing to choose, or the budget allows no setting.
    """
    limited = within(setting, budget)
    free = _free(limited, budget, keys)
    lows, highs = (np.log([getattr(each, end) for each in free]) for end in ("low", "high"))

    def loss(point: Sequence[float]) -> float:
        values = {each.key: math.exp(at) for each, at in zip(free, point, strict=True)}
        return _loss(limited, values, budget, spectrum)

    per_axis = {1: 25, 2: 9, 3: 6}[len(free)]
    best, least = None, math.inf
    for point in product(*(np.linspace(low, high, per_axis) for low, high in zip(lows, highs, strict=True))):
        yield
        if (found := loss(point)) < least:
            best, least = np.array(point), found
    if best is None:
        raise ScenarioError("", "method", "is unstable, or not valid, for every choice within the budget")
    spread = (highs - lows) / per_axis
    simplex = np.clip(np.vstack([best, best + np.diag(np.where(best + spread > highs, -spread, spread))]), lows, highs)
    for _ in range(40):
        yield
        options = {"maxfev": 12, "initial_simplex": simplex, "xatol": 1e-4, "fatol": 0.0}
        result = optimize.minimize(
            loss, simplex[0], method="Nelder-Mead", bounds=list(zip(lows, highs, strict=True)), options=options
        )
        simplex = result.final_simplex[0]
        if np.ptp(simplex, axis=0).max() < 1e-3:
            break
    values = {each.key: math.exp(at) for each, at in zip(free, simplex[0], strict=True)}
    values = {key: float(round(value)) if _whole(free, key) else float(f"{value:.4g}") for key, value in values.items()}
    ends = [
        each.key
        for each, at, low, high in zip(free, simplex[0], lows, highs, strict=True)
        if min(at - low, high - at) < 1e-2
    ]
    chosen = with_values(limited, values)
    w2 = math.sqrt(_loss(limited, values, budget, spectrum))
    kind = predict(chosen, spectrum).w2_squared.kind
    if budget.sgd_steps is not None and chosen.learning.tau is not None:
        kind = f"{kind}; SGD from W = 0 is not yet stationary: its mean exactly, its errors as if it were"
    return Optimum(chosen, values, w2, kind, tuple(ends))


def within(setting: SpectrumSetting, budget: Budget) -> SpectrumSetting:
    """Return a setting that spends the budget: its samples, and its evaluations as steps.

    Raises:
        ScenarioError: the method takes at least more evaluations.
    """
    patch: dict[str, Any] = {}
    if budget.samples is not None:
        patch["learning"] = {"samples": budget.samples}
    if budget.nfe is not None:
        if isinstance(setting.method, LangevinSection):
            patch["method"] = {"steps": budget.nfe}
        elif isinstance(setting.method, DiffusionSection):
            patch["method"] = {"points": min(1 + budget.nfe // EVALUATIONS[setting.method.scheme], MOST_STEPS)}
        elif isinstance(setting.method, DiscreteSection):
            each = 2 if setting.method.sampler == "Heun" else 1
            patch["method"] = {"schedule": {"steps": (budget.nfe + each - 1) // each + setting.method.last}}
    return setting.patched(patch) if patch else setting


def choices(setting: SpectrumSetting, budget: Budget) -> list[Parameter]:
    """Return the numbers of a setting that can be chosen under a budget, with their limits.

    The step of SGD is one of them only under a budget of SGD's steps: without one the smallest step would be best.
    """
    found = []
    method, learning = setting.method, setting.learning
    if isinstance(method, LangevinSection):
        keys = ["method.sigma", *(["method.gamma"] if method.steps is not None else [])]
        found = [find_parameter(setting, key)._replace(low=1e-4, high=10.0) for key in keys]
    elif isinstance(method, DiffusionSection):
        most = float(method.points)
        found = [find_parameter(setting, "method.eps")._replace(low=1e-7)]
        if most > 3:
            found.append(find_parameter(setting, "method.points")._replace(low=max(3.0, most / 30), high=most))
    elif isinstance(method, ContinuousSection):
        found = [find_parameter(setting, "method.eps")._replace(low=1e-7)]
    if learning.tau is not None and budget.sgd_steps is not None and isinstance(method, LangevinSection):
        found.append(find_parameter(setting, "learning.tau")._replace(low=1e-7, high=0.1))
    return found


def _free(setting: SpectrumSetting, budget: Budget, keys: Collection[str] | None) -> list[Parameter]:
    """Return the numbers to choose: all that can be, or those of the given keys."""
    free = choices(setting, budget)
    if not free:
        raise ScenarioError("", "method", "has nothing to choose: neither σ and γ nor ε and grid points, and no τ")
    if keys is None:
        return free
    known = [each.key for each in free]
    for key in keys:
        if key not in known:
            raise ScenarioError("", key, f"cannot be chosen within this budget; allowed: {', '.join(known)}")
    if not keys:
        raise ScenarioError("", "method", f"has nothing to choose: name one of {', '.join(known)}")
    return [each for each in free if each.key in keys]


def _whole(free: Sequence[Parameter], key: str) -> bool:
    return next(each.is_whole for each in free if each.key == key)


def _loss(setting: SpectrumSetting, values: dict[str, float], budget: Budget, spectrum: Spectrum) -> float:
    """Return predicted W2^2, infinite where that is not valid."""
    try:
        one = with_values(setting, values)
        found = predict(one, spectrum)
    except ScenarioError:
        return math.inf
    total = found.w2_squared.value
    if one.learning.tau is not None and one.learning.tau >= largest_tau(found.method, spectrum.eigenvalues):
        return math.inf
    if budget.sgd_steps is not None and one.learning.tau is not None and isinstance(one.method, LangevinSection):
        total += unfinished(one, _passes(budget, one.learning), spectrum) - found.exact_squared
    return total if math.isfinite(total) else math.inf


def _passes(budget: Budget, learning: LearningSection) -> int:
    steps = budget.sgd_steps or 1
    return steps if learning.samples is None else min(steps, learning.samples)


def unfinished(setting: SpectrumSetting, steps: int, spectrum: Spectrum) -> float:
    """Return W2^2 of Langevin with the mean of SGD's matrix after some steps from W = 0.

    That mean is ``(1 - (1 - tau a)^steps)/a`` along each eigenvector: the sampler acts as for other eigenvalues.
    """
    method, tau = setting.method, setting.learning.tau
    assert isinstance(method, LangevinSection)
    assert tau is not None
    values = spectrum.eigenvalues
    noisy = values + method.sigma**2
    if tau * noisy.max() >= 2:
        return math.inf
    with np.errstate(divide="ignore"):
        learned = -np.expm1(steps * np.log(np.abs(1 - tau * noisy)))
    produced = method.build().produced(noisy / learned - method.sigma**2)
    return float(((np.sqrt(produced) - np.sqrt(values)) ** 2).sum())
