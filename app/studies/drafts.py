"""Changes of a study as a whole: a new study from a scenario, its axes, its base, and checks before it is measured."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from itertools import product
from typing import Any

from core.errors import ScenarioError
from core.scenario.edits import patched
from core.scenario.scenario import Scenario
from core.spectrum.optimum import main_parameter
from core.spectrum.setting import SpectrumSetting
from core.studies.families import FAMILIES
from core.studies.knobs import find_knob
from core.studies.proposals import is_possible, proposed_axis, proposed_spectrum_axis
from core.studies.study import Cell, Study

_MOST_POSED = 64
"""Largest dimension of a family whose problems are made while a study is set up."""
_MOST_STEPS = 100
"""Steps of a new study of a mixture, whose KL takes long; the set-up shows them, and more can be typed."""
_METRICS = ("kl", "bound")
_WORDS = ("name", "notes", "group")
_FIRST_AXES = ("noise", "steps", "run.particles")
"""Axes of a new study; the first that its scenario allows is taken."""


def new_study(scenario: Scenario, knob: str | None = None) -> Study:
    """Return a study of a scenario with one axis, ready to be measured.

    Args:
        scenario: the base.
        knob: of the axis; None: the noise, or the steps where there is none.

    Raises:
        ScenarioError: the knob does not exist.
    """
    base = _quick(scenario)
    chosen = knob or next(each for each in _FIRST_AXES if each == _FIRST_AXES[-1] or is_possible(base, each))
    data = {"scenario": base.to_dict(), "metrics": list(_METRICS), "axes": [proposed_axis(base, chosen)]}
    return named(Study.from_dict(data).fixed())


def new_spectrum_study(setting: SpectrumSetting, knob: str) -> Study:
    """Return a study of a spectrum setting with one axis, ready to be measured.

    Raises:
        ScenarioError: the knob does not exist, or the setting's spectrum cannot be read.
    """
    data = {
        "spectrum": setting.to_dict(),
        "metrics": _metrics_of(setting),
        "axes": [proposed_spectrum_axis(setting, knob)],
    }
    made = Study.from_dict(data).fixed()
    check(made)
    return named(made)


def _metrics_of(setting: SpectrumSetting) -> list[str]:
    return ["w2_squared", "w2_simulated"] if setting.learning.is_random else ["w2_exact", "kl_exact"]


def with_family(study: Study, kind: str) -> Study:
    """Return a study of a family in place of its scenario, with as much of the rest as fits.

    Raises:
        ScenarioError: the family does not exist.
    """
    example = example_of(study)
    run = {} if example is None else {"particles": example.run.particles, "kl_rounds": example.run.kl_rounds}
    steps = {} if example is None else {"steps": example.schedule.steps}
    known = set() if example is None else set(example.run.samplers) - set(example.samplers)
    samplers = [] if example is None else [key for key in example.run.samplers if key in known]
    data = _without(study, "scenario", "base", "samplers", "changes")
    data |= {
        "family": {"kind": kind, **({"noise": 0.3} if kind != "grid" else {})},
        "changes": {"run": run, "schedule": steps},
        "samplers": samplers or ["ddnm", "bo-ddnm", "exact"],
        "replicates": {"count": max(study.replicates.count, 5), "vary": "problem"},
        "axes": [axis for axis in data.get("axes", []) if "." not in axis["knob"] and axis["knob"] != "dimension"],
    }
    if kind not in FAMILIES:
        data["family"] = {"kind": kind}
    return named(Study.from_dict(data), study)


def with_base(study: Study, scenario: Scenario) -> Study:
    """Return a study of another scenario; axes, metrics and replicates stay.

    Raises:
        ScenarioError: an axis does not suit the scenario.
    """
    base = _quick(scenario)
    data = _without(study, "family", "base", "samplers", "changes")
    data["scenario"] = base.to_dict()
    if study.replicates.vary == "problem":
        data["replicates"] = {"count": 1, "vary": "seed" if _can_vary_seed(study) else "value"}
    data["axes"] = [axis for axis in data.get("axes", []) if not axis["knob"].startswith("family.")]
    made = Study.from_dict(data).fixed()
    check(made)
    return named(made, study)


def with_spectrum(study: Study, setting: SpectrumSetting) -> Study:
    """Return a study of a spectrum setting; axes that fit another spectrum stay.

    Raises:
        ScenarioError: the setting's spectrum cannot be read.
    """
    was_spectrum = study.spectrum is not None
    data = _without(study, "family", "base", "scenario", "changes", "samplers", "replicates", "at")
    data |= {"spectrum": setting.to_dict(), "replicates": {"count": study.replicates.count}}
    if was_spectrum:
        data |= {key: study.to_dict().get(key, []) for key in ("metrics", "axes")}
    else:
        data |= {"metrics": _metrics_of(setting), "axes": [proposed_spectrum_axis(setting, main_parameter(setting))]}
    made = Study.from_dict(data).fixed()
    check(made)
    return named(made, study)


def _without(study: Study, *keys: str) -> dict[str, Any]:
    """Return a study's data without some keys, and without what only a study of a spectrum can have."""
    data = {key: value for key, value in study.to_dict().items() if key not in keys}
    if data.pop("spectrum", None) is not None:
        data |= {"metrics": list(_METRICS), "axes": []}
    return data


def _quick(scenario: Scenario) -> Scenario:
    """Return a scenario with the effort of a single cell: one round for a bracket, and fewer steps for a mixture."""
    steps = scenario.schedule.steps
    if len(scenario.prior.weights) > 1 or scenario.target is not None:
        steps = min(steps, _MOST_STEPS)
    return patched(scenario, {"run": {"kl_rounds": min(scenario.run.kl_rounds, 1)}, "schedule": {"steps": steps}})


def _can_vary_seed(study: Study) -> bool:
    return "ranks" not in study.metrics


def with_axis(study: Study, knob: str, at: int | None = None) -> Study:
    """Return a study with an axis of proposed values added, or set in place of another one.

    Args:
        study: changed.
        knob: of the axis.
        at: the axis that it replaces; None: it is added.

    Raises:
        ScenarioError: the knob does not exist, or the study has two axes.
    """
    example = example_of(study)
    if study.spectrum is not None:
        axis = proposed_spectrum_axis(study.base_setting, knob)
    elif example is None:
        find_knob(knob)
        axis = {"knob": knob, "values": [1.0, 2.0, 4.0]}
    else:
        axis = proposed_axis(example, knob)
    axes = study.to_dict().get("axes", [])
    axes = [*axes, axis] if at is None else [*axes[:at], axis, *axes[at + 1 :]]
    return named(Study.from_dict({**study.to_dict(), "axes": axes}), study)


def is_same_base(study: Study, fresh: Study) -> bool:
    """Return True if two studies have the same base, apart from its name and from the samplers that run."""
    one, other = ({key: value for key, value in _tables(each).items() if key not in _WORDS} for each in (study, fresh))
    return study.family is None and one == other


def _tables(study: Study) -> dict[str, Any]:
    """Return the tables of a study's scenario, or of its spectrum setting."""
    return study.spectrum if isinstance(study.spectrum, dict) else study.scenario or {}


def without_axis(study: Study, at: int) -> Study:
    """Return a study without one of its axes."""
    data = study.to_dict()
    data["axes"] = data["axes"][:at] + data["axes"][at + 1 :]
    return named(Study.from_dict(data), study)


def named(study: Study, before: Study | None = None) -> Study:
    """Return a study with a name made from its base and axes, unless the user has given it one."""
    if before is not None and before.name != automatic_name(before):
        return study
    return study.model_copy(update={"name": automatic_name(study)})


def automatic_name(study: Study) -> str:
    """Return a name made from a study's base and axes."""
    tables = _tables(study)
    what = study.family.kind if study.family is not None else str(tables.get("name", study.base or ""))
    labels = []
    for axis in study.axes:
        with suppress(ScenarioError):
            labels.append(find_knob(axis.knob).label.split(",")[0])
    base = f"Family {what}" if study.family is not None else what
    return f"{base}: {' × '.join(labels)}" if labels else base


def example_of(study: Study) -> Scenario | None:
    """Return the scenario of a cell before the axes are set; None where it cannot be made, or is large."""
    if study.family is not None and study.family.dimension > _MOST_POSED:
        return None
    with suppress(ScenarioError):
        if study.family is None:
            return study.base_scenario()
        return study.model_copy(update={"axes": ()}).posed(Cell((), 0))
    return None


def with_changes(study: Study, changes: Mapping[str, Any], samplers: list[str]) -> dict[str, Any]:
    """Return a study's data with changed tables of its cells' scenarios.

    Raises:
        ScenarioError: the scenario does not allow them.
    """
    data = study.to_dict()
    if study.spectrum is not None:
        return {**data, "samplers": samplers}
    if study.family is not None:
        old = data.get("changes", {})
        merged = {name: {**old.get(name, {}), **table} for name, table in changes.items()}
        return {**data, "changes": {**old, **merged}, "samplers": samplers}
    base = study.base_scenario()
    assert base is not None
    run = {**changes.get("run", {}), "samplers": samplers}
    return {**data, "scenario": patched(base, {**changes, "run": run}).to_dict()}


def check(study: Study) -> None:
    """Check that the cells at the ends of the axes can be made.

    Raises:
        ScenarioError: one cannot; its field is the knob, or a field of the scenario.
    """
    if study.family is not None and study.family.dimension > _MOST_POSED:
        return
    ends = [dict.fromkeys((axis.values[0], axis.values[-1])) for axis in study.axes]
    for place in product(*ends):
        if study.spectrum is None:
            study.posed(Cell(place, 0))
        else:
            _check_methods(study, Cell(place, 0))


def _check_methods(study: Study, cell: Cell) -> None:
    """Check that a cell allows one of the methods: others are then unknown there, with the reason."""
    errors = []
    for method in study.samplers:
        try:
            study.setting(cell, method)
        except ScenarioError as error:
            errors.append(error)
    if len(errors) == len(study.samplers):
        raise errors[0]
