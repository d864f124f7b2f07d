"""Global settings changed by plug-ins are restored, and changes of the product's code are rejected."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core import errors
from core.errors import ScenarioError
from core.plugins.settings import settings_kept, surroundings_kept
from core.plugins.tampering import ProductCode
from core.problem import mixture
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario

CHANGES = {
    "torch.set_default_dtype(torch.float64)": torch.get_default_dtype,
    "torch.set_default_device('meta')": torch.get_default_device,
    "torch.set_num_threads(3)": torch.get_num_threads,
    "torch.set_grad_enabled(True)": torch.is_grad_enabled,
    "torch.autograd.set_detect_anomaly(True)": torch.is_anomaly_enabled,
    "torch.set_float32_matmul_precision('medium')": torch.get_float32_matmul_precision,
    "torch.set_autocast_enabled('cpu', True)": lambda: torch.is_autocast_enabled("cpu"),
    "torch.set_autocast_dtype('cpu', torch.float16)": lambda: torch.get_autocast_dtype("cpu"),
    "torch.use_deterministic_algorithms(True)": torch.are_deterministic_algorithms_enabled,
    "torch.use_deterministic_algorithms(True, warn_only=True)": (torch.is_deterministic_algorithms_warn_only_enabled),
    "torch.backends.cudnn.deterministic = True": lambda: torch.backends.cudnn.deterministic,
    "torch.set_flush_denormal(True)": lambda: sys.float_info.min / 2 > 0,
    "np.seterr(all='raise')": np.geterr,
    "torch.manual_seed(3); torch.randn(3)": lambda: torch.get_rng_state().tolist(),
    "np.random.rand(3)": lambda: np.random.get_state()[2],  # noqa: NPY002
    "random.seed(3); random.random()": random.getstate,
}
SLOW_CHANGES = {
    "signal.signal(signal.SIGINT, signal.SIG_IGN)": lambda: signal.getsignal(signal.SIGINT),
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)": lambda: signal.getsignal(signal.SIGTERM),
    "os.chdir('/')": Path.cwd,
    "sys.stdout = None": lambda: sys.stdout,
    "sys.setrecursionlimit(5000)": sys.getrecursionlimit,
}
IMPORTS = "import os, random, signal, sys\nimport numpy as np\nimport torch\n"
PATCHES = {
    "core.problem.mixture.GaussianMixture.score": "core.problem.mixture.GaussianMixture.score = lambda self, x: 0 * x",
    "core.problem.axes.affine": "core.problem.axes.affine.__code__ = (lambda a, b, points: points).__code__",
    "core.problem.mixture.NEGLIGIBLE": "core.problem.mixture.NEGLIGIBLE = 1.0",
    "core.problem.problem.Level.__getattribute__": "core.problem.problem.Level.__getattribute__ = lambda *_: 1.0",
    "core.problem.problem.Level.alpha": "core.problem.problem.Level.alpha = 0.5",
    "core.samplers.builtin.DDNM.kind": "core.samplers.builtin.DDNM.kind = core.samplers.builtin.Exact.kind",
    "core.simulation.draws.draw": "import core.simulation.draws; core.simulation.draws.draw = None",
    "core.errors._WORDS": "import core.errors; core.errors._WORDS.clear()",
    "torch.randn": "torch.randn = torch.zeros",
    "torch.Tensor.mean": "torch.Tensor.mean = torch.Tensor.sum",
    "torch.linalg.svd": "torch.linalg.svd = None",
    "numpy.sqrt": "np.sqrt = np.exp",
    "builtins.abs": "import builtins; builtins.abs = max",
    "math.sqrt": "import math; math.sqrt = abs",
}


def run(key: str) -> Results:
    data = {
        "prior": {"weights": [1.0], "means": [[0.5, -0.3]], "covariances": [[[1.0, 0.6], [0.6, 1.0]]]},
        "measurement": {"matrix": [[1.0, 0.0]], "noise": 0.3, "value": [1.2]},
        "schedule": {"steps": 5},
        "run": {"samplers": [key, "ddnm"], "particles": 20, "paths": 20, "device": "cpu"},
    }
    experiment = Experiment(Scenario.from_dict(data), keep_frames=False)
    for _ in experiment.run():
        pass
    for _ in experiment.refine():
        pass
    return experiment.results


@pytest.mark.parametrize("change", CHANGES)
def test_global_settings_are_restored_after_every_call(change: str, load: Callable[[str], str]) -> None:
    with torch.no_grad():
        before = CHANGES[change]()
        run(load(f"{IMPORTS}def score(level, x):\n    {change}\n    return x\n"))
        assert CHANGES[change]() == before


@pytest.mark.parametrize("change", CHANGES | SLOW_CHANGES)
def test_global_settings_are_restored_after_loading(change: str, load: Callable[[str], str]) -> None:
    read = (CHANGES | SLOW_CHANGES)[change]
    before = read()
    load(f"{IMPORTS}{change}\ndef score(level, x):\n    return x\n")
    assert read() == before


@pytest.mark.parametrize("change", CHANGES | SLOW_CHANGES)
def test_global_settings_stay_changed_without_guard(change: str) -> None:
    """The broken twin: the same change outside the guard."""
    read = (CHANGES | SLOW_CHANGES)[change]
    with surroundings_kept(), settings_kept(), torch.no_grad():
        before = read()
        exec(change, {"os": os, "random": random, "signal": signal, "sys": sys, "np": np, "torch": torch})
        assert read() != before


@pytest.mark.parametrize("name", PATCHES)
def test_file_that_patches_product_code_is_rejected_and_undone(name: str, load: Callable[[str], str]) -> None:
    score, words, before = mixture.GaussianMixture.score, dict(errors._WORDS), dict(SAMPLERS)
    text = f"{IMPORTS}import core.problem.mixture, core.problem.problem, core.samplers.builtin\n{PATCHES[name]}\n"
    with pytest.raises(ScenarioError) as caught:
        load(f"{text}def score(level, x):\n    return x\n")
    assert f"mine.py: must not change the product's own code ({name})" in str(caught.value)
    assert ProductCode().put_back() is None
    assert mixture.GaussianMixture.score is score
    assert dict(errors._WORDS) == words
    assert abs(-1) == 1
    assert float(torch.ones(4).mean()) == 1.0
    assert before == SAMPLERS


@pytest.mark.parametrize("name", PATCHES)
def test_step_that_patches_product_code_ends_run(name: str, load: Callable[[str], str]) -> None:
    score, before = mixture.GaussianMixture.score, dict(errors._WORDS)
    imports = "import core.problem.mixture, core.problem.problem, core.samplers.builtin, core.simulation.simulate\n"
    text = f"{IMPORTS}{imports}def score(level, x):\n    if level.t == 1:\n        {PATCHES[name]}\n    return x\n"
    with pytest.raises(ScenarioError) as caught:
        run(load(text))
    assert f"run.samplers: mine changed the product's own code in a step ({name})" in str(caught.value)
    assert ProductCode().put_back() is None
    assert mixture.GaussianMixture.score is score
    assert dict(errors._WORDS) == before


def test_late_import_of_torch_dynamo_is_no_tampering() -> None:
    """Importing torch's compiler wraps torch functions permanently, hence a process of its own."""
    program = (
        "import core.runs.results, torch\nfrom core.plugins.tampering import ProductCode\ncode = ProductCode()\n"
        "before = torch.manual_seed\nimport torch._dynamo\nassert torch.manual_seed is not before\n"
        "assert code.put_back() is None"
    )
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[3], check=True, timeout=120)


def test_well_behaved_plugin_is_no_tampering(load: Callable[[str], str]) -> None:
    code = ProductCode()
    run(load(f"{IMPORTS}def score(level, x):\n    return level.prior_score(x)\n"))
    assert code.put_back() is None
