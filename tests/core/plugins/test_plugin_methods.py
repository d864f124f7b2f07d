"""Every method of a plug-in class that the product calls is guarded; descriptive members must be plain values."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

import core.plugins.loader
from core.errors import ScenarioError
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.scenario.scenario import Scenario

CLASS = """
import torch
from pydantic import field_validator
from core.samplers import About, Kernel, Sampler, ScoreSampler

class Mine(ScoreSampler):
    kind = About('mine', 'Mine', '#884400', 'x', 'Stays.', 'Me')
    weight: float = 0.5

    def score(self, level, x):
        return level.prior_score(x)

    {method}
"""
LINE = 13


def scenario(*samplers: str, steps: int = 6) -> Scenario:
    data = {
        "prior": {"weights": [1.0], "means": [[0.5, -0.3]], "covariances": [[[1.0, 0.6], [0.6, 1.0]]]},
        "measurement": {"matrix": [[1.0, 0.0]], "noise": 0.3, "value": [1.2]},
        "schedule": {"steps": steps},
        "run": {"samplers": list(samplers), "particles": 20, "paths": 20, "device": "cpu"},
    }
    return Scenario.from_dict(data)


def run(chosen: Scenario) -> Results:
    experiment = Experiment(chosen, keep_frames=False)
    for _ in experiment.run():
        pass
    return experiment.results


@pytest.mark.parametrize(
    "method",
    [
        "@property\n    def about(self): return 1 / 0",
        "about = property(lambda self: 1 / 0)",
        "def parameters(self): return {'weight': float('nan')}",
        "def _settings(self): return 1 / 0",
        "@property\n    def is_equivariant(self): return True",
        "def model_post_init(self, context): raise SystemExit",
        "def __init__(self, **values): super().__init__(**values)",
        "def __getattribute__(self, name): return 1 / 0",
        "def __eq__(self, other): return True",
        "@classmethod\n    def model_validate(cls, *_, **__): return cls()",
        "@field_validator('weight')\n    @classmethod\n    def limit(cls, value): return 1 / 0",
    ],
)
def test_class_must_not_override_descriptive_members(method: str, load: Callable[[str], str]) -> None:
    with pytest.raises(ScenarioError, match=rf"mine\.py: line {LINE}: must not define"):
        load(CLASS.format(method=method))


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("kind = None", "must have a 'kind', an About"),
        ("kind = property(lambda self: 1 / 0)", "must have a 'kind', an About"),
        ("needs_measurement = 'no'", "needs_measurement must be True or False"),
        ("has_limit = None", "has_limit must be True or False"),
    ],
)
def test_class_attributes_of_wrong_type_are_rejected(method: str, reason: str, load: Callable[[str], str]) -> None:
    with pytest.raises(ScenarioError, match=rf"mine\.py: .*{reason}"):
        load(CLASS.format(method=method))


def test_class_may_define_own_methods(load: Callable[[str], str]) -> None:
    assert load(CLASS.format(method="def helper(self): return 2")) == "mine"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("1 / 0", f"line {LINE}: ZeroDivisionError"),
        ("sys.exit(0)", f"line {LINE}: NameError"),
        ("raise SystemExit(0)", f"line {LINE}: SystemExit"),
        ("return 'wide'", f"line {LINE}: step_variance must return a number"),
        ("return -1.0", f"line {LINE}: step_variance must return .*not negative"),
        ("return float('nan')", f"line {LINE}: step_variance must return .*finite"),
        ("return torch.ones(3, 1)", f"line {LINE}: step_variance must return .*shape"),
        ("return torch.ones(2, 1, device='meta')", f"line {LINE}: step_variance must return .*without data"),
    ],
)
def test_invalid_step_variance_is_rejected_with_line(body: str, reason: str, load: Callable[[str], str]) -> None:
    key = load(CLASS.format(method=f"def step_variance(self, level): {body}"))
    with pytest.raises(ScenarioError, match=rf"mine\.py: {reason}"):
        run(scenario(key))


@pytest.mark.parametrize("variance", ["0.5", "1", "torch.tensor(0.5)", "torch.full((2, 1), 0.5)"])
def test_step_variance_is_converted(variance: str, load: Callable[[str], str]) -> None:
    key = load(CLASS.format(method=f"def step_variance(self, level): return {variance}"))
    results = run(scenario(key))
    assert results.terms.exact[0]
    assert np.isfinite(results.terms.value["bound"]).all()


def test_step_variance_cannot_change_level(load: Callable[[str], str]) -> None:
    write = "level.measurement.matrix.zero_(); level.problem.target.means.add_(5.0); return level.variance"
    key = load(CLASS.format(method=f"def step_variance(self, level): {write}"))
    alone, beside = run(scenario("ddnm")), run(scenario(key, "ddnm"))
    for name, values in alone.terms.value.items():
        np.testing.assert_array_equal(values[0], beside.terms.value[name][1])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("1 / 0", rf"mine\.py: line {LINE}: ZeroDivisionError"),
        ("raise SystemExit(0)", rf"mine\.py: line {LINE}: SystemExit"),
        ("return 7", rf"mine\.py: line {LINE}: obstacle must return a text or None \(returned int\)"),
        ("measurement.matrix.zero_(); return 'needs\\nmore'", "run.samplers: Mine needs more"),
    ],
)
def test_obstacle_is_checked_when_run_begins(body: str, reason: str, load: Callable[[str], str]) -> None:
    key = load(CLASS.format(method=f"def obstacle(self, measurement): {body}"))
    beside = run(scenario(key, "ddnm"))
    assert re.search(reason, beside.faults[key])
    for mine, theirs in zip(run(scenario("ddnm")).tables(), beside.tables(), strict=True):
        np.testing.assert_array_equal(mine[0], theirs[1])
    with pytest.raises(ScenarioError, match=reason):
        Experiment(scenario(key, f"ddim:{key}"), keep_frames=False)


NOT_FINITE = {
    "torch.where(x > 0, float('nan'), x)": "nan",
    "torch.log(x - 100)": "nan",
    "x / 0": "inf",
    "x / (level.t - 3)": "inf",
    "torch.where(torch.arange(x.shape[1]) == x.shape[1] - 1, float('nan'), x)": "nan",
}


@pytest.mark.parametrize("kind", ["score", "kernel"])
@pytest.mark.parametrize("expression", NOT_FINITE)
def test_non_finite_output_at_finite_points_is_a_fault(expression: str, kind: str, load: Callable[[str], str]) -> None:
    text = f"import torch\n\ndef mine(level, x):\n    return {expression}\n"
    if kind == "kernel":
        text = CLASS.replace("(ScoreSampler)", "(Sampler)").replace("def score", "def kernel").format(method="")
        text = text.replace("return level.prior_score(x)", f"return Kernel({expression}, 0.5)")
    name, line = ("score", 3) if kind == "score" else ("the Kernel's mean", 10)
    key, value = load(text), NOT_FINITE[expression]
    words = rf"mine\.py: line {line}: {name} must be finite at finite points \(is -?{value} at x = \(.*\), t = \d\)"
    with pytest.raises(ScenarioError, match=words):
        run(scenario(key))


@pytest.mark.parametrize(
    "expression",
    [
        "1e30 * x",
        "100 * x * x.abs() ** 3",
        "torch.where(x.abs() > 1e9, float('nan'), 1e3 * x)",
        "torch.where(x.abs() > 1e6, float('inf'), 1e3 * x)",
    ],
)
def test_exploding_points_count_as_divergence_not_fault(expression: str, load: Callable[[str], str]) -> None:
    results = run(scenario(load(f"import torch\n\ndef mine(level, x):\n    return {expression}\n"), steps=40))
    assert results.trace.diverged_at[0] is not None


def test_non_finite_output_at_affinity_probes_is_no_fault(load: Callable[[str], str]) -> None:
    """The probes for an affine step lie a thousand times farther out than particles ever do."""
    text = "import torch\n\ndef mine(level, x):\n    far = torch.softmax(-x ** 2, 0) / (x.abs() < 500)\n"
    results = run(scenario(load(text + "    return level.prior_score(x) + 0 * far\n")))
    assert not results.terms.exact[0]
    assert np.isfinite(results.terms.value["bound"]).all()


def test_loader_docstring_states_rule_for_keys() -> None:
    """README and help are checked in tests/core/plugins/test_plugins.py."""
    words = " ".join(str(core.plugins.loader.__doc__).split())
    assert "whatever it is called, its key is the file's name without ``.py``" in words
    assert "brings its key in its ``kind``" in words
