"""Core of Mismatch Lab: score-mismatched diffusion samplers on Gaussian mixtures, with exact scores; no Qt.

The names in ``__all__`` are the public interface; each is loaded when it is first asked for::

    from core import load_scenario, run

    results = run(load_scenario("three-components"))
    for key, found in results.at(1).items():
        print(key, found.kl.text, found.terms["bound"])

and for Gaussian data, eigenvalue by eigenvalue::

    from core import load_spectrum, predict_spectrum, simulate_spectrum

    setting = load_spectrum("vp-em")
    print(predict_spectrum(setting).w2, simulate_spectrum(setting).w2)

and for what an answer depends on::

    from core import load_study, measure_study

    table = measure_study(load_study("noise-gaussian"))

The packages, from the ground up: ``text``, ``drawing``, ``errors``, ``system``, ``problem``, ``samplers``, ``plugins``,
``scenario``, ``data``, ``matrices``, ``simulation``, ``bounds``, ``diagnostics``, ``kl``, ``runs``, ``geometry``,
``reporting``, ``snapshot``, ``figures``, ``storyboard``, ``studies``, ``spectrum``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.errors import ScenarioError
    from core.kl.computed import ComputedKL
    from core.plugins.loader import load_plugin
    from core.problem.mixture import GaussianMixture
    from core.problem.problem import Level, Measurement, Problem
    from core.problem.schedule import Schedule
    from core.reporting.report import write_report
    from core.runs.experiment import Experiment, compute_kls, run
    from core.runs.results import AtOneTime, Quantity, Results
    from core.samplers import SAMPLERS, About, Kernel, Sampler, ScoreSampler, register
    from core.scenario.builtin import builtin_scenarios, load_scenario
    from core.scenario.scenario import Scenario
    from core.spectrum.setting import SpectrumSetting
    from core.spectrum.use import load_spectrum, predict_spectrum, simulate_spectrum
    from core.studies.study import Study
    from core.studies.use import load_study, measure_study

__all__ = [
    "SAMPLERS",
    "About",
    "AtOneTime",
    "ComputedKL",
    "Experiment",
    "GaussianMixture",
    "Kernel",
    "Level",
    "Measurement",
    "Problem",
    "Quantity",
    "Results",
    "Sampler",
    "Scenario",
    "ScenarioError",
    "Schedule",
    "ScoreSampler",
    "SpectrumSetting",
    "Study",
    "builtin_scenarios",
    "compute_kls",
    "load_plugin",
    "load_scenario",
    "load_spectrum",
    "load_study",
    "measure_study",
    "predict_spectrum",
    "register",
    "run",
    "simulate_spectrum",
    "write_report",
]

_MODULES = {
    "core.errors": ("ScenarioError",),
    "core.kl.computed": ("ComputedKL",),
    "core.plugins.loader": ("load_plugin",),
    "core.problem.mixture": ("GaussianMixture",),
    "core.problem.problem": ("Level", "Measurement", "Problem"),
    "core.problem.schedule": ("Schedule",),
    "core.reporting.report": ("write_report",),
    "core.runs.experiment": ("Experiment", "compute_kls", "run"),
    "core.runs.results": ("AtOneTime", "Quantity", "Results"),
    "core.samplers": ("SAMPLERS", "About", "Kernel", "Sampler", "ScoreSampler", "register"),
    "core.scenario.builtin": ("builtin_scenarios", "load_scenario"),
    "core.scenario.scenario": ("Scenario",),
    "core.spectrum.setting": ("SpectrumSetting",),
    "core.spectrum.use": ("load_spectrum", "predict_spectrum", "simulate_spectrum"),
    "core.studies.study": ("Study",),
    "core.studies.use": ("load_study", "measure_study"),
}
"""Module of each public name; loaded on first use, since torch and pydantic take seconds."""


def __getattr__(name: str) -> object:
    """Load a public name on first use.

    Raises:
        AttributeError: there is no such name.
    """
    for module, names in _MODULES.items():
        if name in names:
            globals()[name] = found = getattr(import_module(module), name)
            return found
    raise AttributeError(f"module 'core' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
