"""Plug-in samplers cannot change other samplers' results, and their outputs and About are validated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from app.cli.commands import main
from core.errors import ScenarioError
from core.plugins.loader import load_exactly, load_plugin
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario

TAMPERING = {
    "H": "level.measurement.matrix.zero_()",
    "bases of H": "level.measurement.right_basis.zero_(); level.measurement.estimate.fill_(7.0)",
    "H of the problem": "level.problem.measurement.matrix.zero_(); level.problem.measurement.singular_values.zero_()",
    "mixtures": "level.target.means.add_(5.0); level.prior.variances.mul_(3.0)",
    "the problem": "level.problem.target.means.add_(5.0); level.problem.prior.log_weights.zero_()",
    "evaluations": "level.prior.whitening.matrix.zero_(); level.target.whitening.offset.zero_()",
    "cached scores": "level.prior_score(x).zero_(); level.target_score(x).zero_()",
    "points": "x.zero_()",
    "the level's own numbers": "level.__dict__.update(beta=0.5, abar=0.1)",
    "the schedule": "level.schedule.__dict__['alpha_bar'] = level.schedule.alpha_bar * 0 + 0.5",
    "torch's settings": "torch.set_default_dtype(torch.float64); torch.set_num_threads(3); torch.manual_seed(1)",
    "gradients": "torch.set_grad_enabled(True)",
    "tensor returned earlier": "KEPT and KEPT[-1].zero_()",
}
FILE = '''
import torch
KEPT = []

def tamper(level, x):
    """Modifies shared data."""
    clean = x.clone()
    {statement}
    KEPT.append(torch.zeros_like(clean))
    return KEPT[-1]
'''


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Return ``(text, name="mine.py") -> key``: write and load a plug-in file; unload it after the test."""

    def write_and_load(text: str, name: str = "mine.py") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return load_plugin(path)

    yield write_and_load
    load_exactly([])


PRIOR = {"weights": [1.0, 2.0], "means": [[-1.0, 0.0], [1.0, 0.5]], "covariances": [[[0.3, 0.1], [0.1, 0.2]]] * 2}
LINE = {
    "prior": {"weights": [1.0, 2.0], "means": [[-1.0], [1.0]], "covariances": [[[0.3]], [[0.2]]]},
    "measurement": {"matrix": [[0.8]], "value": [0.7], "noise": 0.3},
}
"""A problem in one dimension, where laws on grids take little time."""


def finished(samplers: list[str], **sections: dict[str, object]) -> Results:
    """Return the results of a complete small run, with laws on grids only where ``run.kl_rounds`` is set."""
    run = {"samplers": samplers, "particles": 60, "paths": 60, "kl_rounds": 0, "device": "cpu"}
    experiment = Experiment(
        Scenario.from_dict(
            {
                "prior": {name: rows[:1] for name, rows in PRIOR.items()},
                "measurement": {"matrix": [[1.0, 0.5]], "value": [0.7], "noise": 0.3},
                "schedule": {"steps": 12},
                **sections,
                "run": run | sections.get("run", {}),
            }
        ),
        keep_frames=True,
    )
    for _ in experiment.run():
        pass
    for _ in experiment.refine():
        pass
    return experiment.results


def fault_of(key: str) -> str:
    """Return the fault of a sampler, asserting that no other sampler stopped."""
    results = finished([key, "ddnm", "exact"])
    assert list(results.faults) == [key]
    return results.faults[key]


def compared(results: Results) -> tuple[list[np.ndarray], float]:
    """Return the particles, terms and asymptote of the last two samplers of a run."""
    found = [frames.numpy() for frames in results.trace.frames[-2:]]
    found += [values[-2:] for values in results.terms.value.values()]
    found += [results.terms.kl[-2:], results.trace.observed_mismatch[-2:]]
    return found, float(results.asymptotes[-2].value)  # type: ignore[union-attr]


@cache
def expected() -> tuple[list[np.ndarray], float]:
    """Return the results of a run without the plug-in."""
    return compared(finished(["ddnm", "exact"]))


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_plugin_leaves_other_results_bit_identical(name: str, load: Callable[..., str]) -> None:
    threads = torch.get_num_threads()
    alone, limit = expected()
    key = load(FILE.format(statement=TAMPERING[name]))
    found, same_limit = compared(finished([key, "ddnm", "exact"]))
    for mine, theirs in zip(alone, found, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert limit == same_limit
    assert torch.get_default_dtype() == torch.float32
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    "sections", [{"prior": PRIOR}, {**LINE, "run": {"kl_rounds": 1}}], ids=["plane", "line with laws"]
)
def test_tampering_plugin_leaves_mixture_results_bit_identical(
    sections: dict[str, dict[str, object]], load: Callable[..., str]
) -> None:
    alone = finished(["ddnm", "exact"], **sections)
    key = load(FILE.format(statement="; ".join(TAMPERING[name] for name in ("H", "mixtures", "evaluations"))))
    beside = finished([key, "ddnm", "exact"], **sections)
    for mine, theirs in zip(compared(alone)[0], compared(beside)[0], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for index, law in alone.computed.items():
        np.testing.assert_array_equal(law.value, beside.computed[index + 1].value)
    assert len(beside.computed) == (3 if "run" in sections else 0)


def test_level_without_copies_lets_plugin_change_other_results(
    load: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: the plug-in gets the level itself instead of a copy."""
    monkeypatch.setattr("core.plugins.calls.own_level", lambda level: level)
    alone, _ = expected()
    key = load(FILE.format(statement="level.problem.target.means.add_(0.1)"))
    found, _ = compared(finished([key, "ddnm", "exact"]))
    assert any(not np.array_equal(mine, theirs) for mine, theirs in zip(alone, found, strict=True))


def test_schedule_arrays_are_read_only_for_plugins(load: Callable[..., str]) -> None:
    key = load(FILE.format(statement="level.schedule.alpha_bar[:] = 0.5"))
    assert re.search(r"mine.py: line 8: ValueError: assignment destination is read-only", fault_of(key))


def test_plugin_cannot_change_registered_samplers(load: Callable[..., str]) -> None:
    before = dict(SAMPLERS)
    key = load(
        "from core.samplers import SAMPLERS\nSAMPLERS['ddnm'] = SAMPLERS.pop('exact')\n" + FILE.format(statement="pass")
    )
    assert {name: SAMPLERS[name] for name in before} == before
    assert list(SAMPLERS) == [*before, key]


RETURNED = {
    "x.double()": None,
    "x.clone().requires_grad_()": None,
    "torch.zeros(1, dtype=x.dtype).expand(x.shape)": None,
    "x.mT.contiguous().mT": None,
    "x.int()": None,
    "x * float('nan')": "finite",
    "x.to(torch.complex64)": "complex",
    "x.to_sparse()": "sparse",
    "x.to('meta')": "without data",
    "x[:1]": "shape",
    "x.numpy()": "ndarray",
    "x.tolist()": "list",
    "None": "NoneType",
}


@pytest.mark.parametrize("expression", RETURNED)
def test_score_is_converted_or_rejected(expression: str, load: Callable[..., str]) -> None:
    key = load(f"import torch\n\ndef score(level, x):\n    return {expression}\n")
    reason = RETURNED[expression]
    if reason is None:
        compared(finished([key, "ddnm", "exact"]))
    else:
        assert re.search(rf"mine.py: line 3: score must .*{reason}", fault_of(key))


VARIANCES = {
    "0.5": None,
    "torch.tensor(0.5)": None,
    "torch.full((2, 1), 0.5)": None,
    "torch.full((2, 1), 0.5).double()": None,
    "1": None,
    "-1.0": "not negative",
    "float('nan')": "finite",
    "torch.tensor([[0.5], [-1.0]])": "not negative",
    "torch.zeros(3, 1)": "shape",
    "None": "NoneType",
    "'wide'": "str",
    "True": "bool",
    "torch.zeros(2, 1, dtype=torch.complex64)": "complex",
}


@pytest.mark.parametrize("expression", VARIANCES)
def test_kernel_variance_is_converted_or_rejected(expression: str, load: Callable[..., str]) -> None:
    key = load(
        "import torch\nfrom core.samplers import About, Kernel, Sampler\n\nclass Mine(Sampler):\n"
        "    kind = About('mine', 'Mine', '#884400', 'x', 'Stays.', 'Me')\n"
        f"    def kernel(self, level, x):\n        return Kernel(0.9 * x, {expression})\n"
    )
    reason = VARIANCES[expression]
    if reason is None:
        compared(finished([key, "ddnm", "exact"]))
    else:
        assert re.search(rf"mine.py: line 6: .*variance must .*{reason}", fault_of(key))


CLASS = """
from core.samplers import About, ScoreSampler

class Mine(ScoreSampler):
    kind = About({about})
    {parameter}

    def score(self, level, x):
        return x
"""
GOOD = "'mine', 'Mine', '#884400', 'x', 'Stays.', 'Me'"


@pytest.mark.parametrize(
    ("about", "parameter", "reason"),
    [
        ("'mine', 'Mine', 'red', 'x', 'Stays.', 'Me'", "", "colour must be #RRGGBB"),
        ("'mine', 'Mine', '#88440', 'x', 'Stays.', 'Me'", "", "colour must be #RRGGBB"),
        ("'mine', 'Mine', None, 'x', 'Stays.', 'Me'", "", "colour must be a text"),
        ("'mine', 7, '#884400', 'x', 'Stays.', 'Me'", "", "label must be a text"),
        ("'mine', ' ', '#884400', 'x', 'Stays.', 'Me'", "", "label must not be empty"),
        ("'my own', 'Mine', '#884400', 'x', 'Stays.', 'Me'", "", "key must consist"),
        ("'mine', 'Mine', '#884400', ['x'], 'Stays.', 'Me'", "", "formula must be a text"),
        (GOOD, "weight: float = float('nan')", "weight must be a finite number"),
        (GOOD, "weight: float = float('inf')", "weight must be a finite number"),
        (GOOD, "weight: list = [1, 2]", "weight must be a finite number or a text"),
        (GOOD, "weight: object = object()", "weight must be a finite number or a text"),
        (GOOD, "weight: float = 'a lot'", "weight"),
        (GOOD, "weight: float", "weight"),
    ],
)
def test_invalid_about_or_parameter_is_rejected(
    about: str, parameter: str, reason: str, load: Callable[..., str]
) -> None:
    before = dict(SAMPLERS)
    with pytest.raises(ScenarioError, match=reason) as caught:
        load(CLASS.format(about=about, parameter=parameter))
    assert "mine.py" in str(caught.value)
    assert before == SAMPLERS


@pytest.mark.parametrize("end", ["raise SystemExit(0)", "import sys; sys.exit(0)", "raise GeneratorExit", "1 / 0"])
@pytest.mark.parametrize("where", ["import", "step"])
def test_exit_in_plugin_is_reported_as_error(end: str, where: str, load: Callable[..., str]) -> None:
    body = f"    {end}\n" if where == "step" else "    return x\n"
    text = (f"{end}\n" if where == "import" else "") + f"def score(level, x):\n{body}"
    if where == "import":
        with pytest.raises(ScenarioError, match=r"mine.py: line 1"):
            load(text)
    else:
        assert "mine.py: line 2" in fault_of(load(text))


@pytest.mark.usefixtures("load")
def test_exit_in_step_ends_headless_run_with_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quits.py").write_text("import sys\n\ndef score(level, x):\n    sys.exit(0)\n")
    words = ["run", "one-gaussian", "--samplers", "quits", "--steps", "5", "--particles", "10", "--plugin", "quits.py"]
    assert main([*words, "--out", "out"]) == 2
    assert "quits.py: line 4: SystemExit" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
