"""Plug-in files: what they may define, and the errors for what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.errors import ScenarioError
from core.plugins.loader import fingerprint, load_plugin
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario

FUNCTION = '''
def pull(level, x):
    """The prior's score, and a little more."""
    return 1.1 * level.prior_score(x)
'''
CLASS = """
from core.samplers import About, ScoreSampler

class Warm(ScoreSampler):
    kind = About("warm", "Warm", "#884400", r"w s_t", "Scaled.", "Me")
    strength: float = 0.5

    def score(self, level, x):
        return self.strength * level.prior_score(x)
"""
KERNEL = """
from core.samplers import About, Kernel, StochasticSampler

class Still(StochasticSampler):
    kind = About("still", "Still", "#884400", r"x", "Stays.", "Me")

    def kernel(self, level, x):
        return Kernel(x, level.variance)
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return ``(text, name="mine.py") -> path``: write a plug-in file; restore the registry after the test."""
    before = dict(SAMPLERS)
    monkeypatch.setattr("core.plugins.loader._loaded", {})

    def write(text: str, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    yield write
    SAMPLERS.clear()
    SAMPLERS.update(before)


def run(key: str, components: int = 1) -> Results:
    prior = {"weights": [1.0, 2.0], "means": [[-1.0], [1.0]], "covariances": [[[0.3]], [[0.2]]]}
    scenario = Scenario.from_dict(
        {
            "prior": {name: part[:components] for name, part in prior.items()},
            "measurement": {"matrix": [[1.0]], "noise": 0.3, "value": [0.4]},
            "schedule": {"steps": 20},
            "run": {"samplers": [key], "particles": 20, "paths": 20, "device": "cpu", "kl_rounds": 0},
        }
    )
    experiment = Experiment(scenario, keep_frames=False)
    for _ in experiment.run():
        pass
    return experiment.results


@pytest.mark.parametrize("components", [1, 2])
@pytest.mark.parametrize(("text", "key"), [(FUNCTION, "mine"), (CLASS, "warm"), (KERNEL, "still")])
def test_plugin_file_registers_and_runs(text: str, key: str, components: int, plugin: Callable[..., Path]) -> None:
    assert load_plugin(plugin(text)) == key
    results = run(key, components)
    assert results.terms.exact[0] == (components == 1)
    assert torch.isfinite(torch.tensor(results.terms.value["bound"])).all()


def test_function_plugin_takes_summary_from_docstring(plugin: Callable[..., Path]) -> None:
    about = SAMPLERS[load_plugin(plugin(FUNCTION, "my sampler.py"))].about
    assert (about.key, about.label, about.source) == ("my-sampler", "my sampler", "my sampler.py")
    assert about.summary == "The prior's score, and a little more."


def test_class_plugin_takes_parameters_from_scenario(plugin: Callable[..., Path]) -> None:
    load_plugin(plugin(CLASS))
    data = run("warm").scenario.to_dict() | {"samplers": {"warm": {"strength": 2.0}}}
    (sampler,) = Scenario.from_dict(data).build_samplers()
    assert sampler.parameters()["strength"] == 2.0


def test_plugin_with_prior_score_matches_builtin_prior(plugin: Callable[..., Path]) -> None:
    load_plugin(plugin("def same(level, x):\n    return level.prior_score(x)\n"))
    mine, prior = (run(key, 2).terms.value["mismatch"] for key in ("mine", "prior"))
    torch.testing.assert_close(torch.tensor(mine), torch.tensor(prior), rtol=1e-10, atol=0)


def test_plugin_writing_into_its_points_changes_no_common_term(plugin: Callable[..., Path]) -> None:
    load_plugin(plugin("def rude(level, x):\n    return x.mul_(0)\n"))
    rude = run("mine", 2).terms.value["initialisation"]
    torch.testing.assert_close(torch.tensor(rude), torch.tensor(run("prior", 2).terms.value["initialisation"]))


def test_edited_plugin_file_replaces_earlier_version(plugin: Callable[..., Path]) -> None:
    path = plugin(FUNCTION)
    load_plugin(path)
    first = fingerprint(path.read_bytes())
    path.write_text(FUNCTION.replace("1.1", "1.2"), encoding="utf-8")
    assert load_plugin(path) == "mine"
    assert fingerprint(path.read_bytes()) != first


BROKEN = {
    "syntax error": ("def f(:\n", "line 1", "syntax"),
    "exception on import": ("x = 1\nraise KeyError('no')\n", "line 2", "KeyError"),
    "exit on import": ("import sys\nsys.exit(3)\n", "line 2", "SystemExit"),
    "no sampler": ("x = 1\n", "", "must define one sampler"),
    "two samplers": ("def f(level, x): ...\ndef g(level, x): ...\n", "", "defines f, g"),
    "one argument": ("def f(x):\n    return x\n", "f", "two arguments"),
    "no kind": ("\n".join(line for line in CLASS.splitlines() if "kind" not in line), "", "'kind'"),
    "unknown key": (CLASS.replace('"Me")', '"Me", assumption="")'), "line 5", "did you mean 'assumptions'?"),
    "key taken": (CLASS.replace('"warm"', '"ddnm"'), "", "a sampler with the key 'ddnm' is already loaded"),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_invalid_plugin_file_is_rejected_with_one_line(case: tuple[str, str, str], plugin: Callable[..., Path]) -> None:
    text, field, words = case
    before = dict(SAMPLERS)
    path = plugin(text)
    with pytest.raises(ScenarioError) as caught:
        load_plugin(path)
    assert caught.value.source == str(path)
    assert caught.value.field == field or not field
    assert words in caught.value.reason
    assert "\n" not in str(caught.value)
    assert before == SAMPLERS


WRONG = {
    "raises": ("def f(level, x):\n    return 1 / 0\n", "line 2", "ZeroDivisionError"),
    "wrong shape": (
        "\ndef f(level, x):\n    return x[:, :1]\n",
        "line 2",
        "score must return a tensor of the points' shape",
    ),
    "returns None": ("def f(level, x):\n    return None\n", "line 1", "NoneType"),
    "no kernel": (KERNEL.replace("return Kernel(x, level.variance)", "return x"), "line 7", "a Kernel with"),
    "unknown attribute": (
        "def f(level, x):\n    return level.prior_scor(x)\n",
        "line 2",
        "did you mean 'prior_score'?",
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_runtime_error_in_plugin_names_line(case: tuple[str, str, str], plugin: Callable[..., Path]) -> None:
    text, field, words = case
    key = load_plugin(plugin(text))
    with pytest.raises(ScenarioError) as caught:
        run(key)
    assert caught.value.field == field
    assert words in caught.value.reason


def test_missing_plugin_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no such file"):
        load_plugin(tmp_path / "none.py")


def test_function_key_is_file_name_and_class_key_is_from_about(plugin: Callable[..., Path]) -> None:
    """README and help state the same rule."""
    assert load_plugin(plugin(FUNCTION, "my file.py")) == "my-file"
    assert load_plugin(plugin(CLASS, "another.py")) == "warm"
    for page in ("README.md", "resources/help/6-writing-a-sampler.md"):
        text = (Path(__file__).parents[3] / page).read_text(encoding="utf-8")
        assert "whatever the function is called; a class brings its key in `About`" in " ".join(text.split())
