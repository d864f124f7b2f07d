"""The example samplers of README and help: they load, run, and do what the text around them says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.plugins.loader import load_plugin
from core.problem.problem import Level, Measurement
from core.runs.experiment import Experiment
from core.samplers import SAMPLERS
from core.scenario.scenario import Scenario

ROOT = Path(__file__).parents[3]
PAGES = ("README.md", "resources/help/6-writing-a-sampler.md")


def example(page: str) -> str:
    """Return the one Python block of a page that defines a sampler."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    (code,) = (block for block in blocks if "ScoreSampler" in block)
    return str(code)


@pytest.fixture
def shrunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    before = dict(SAMPLERS)
    monkeypatch.setattr("core.plugins.loader._loaded", {})
    path = tmp_path / "shrunk.py"
    path.write_text(example(request.param), encoding="utf-8")
    yield load_plugin(path)
    SAMPLERS.clear()
    SAMPLERS.update(before)


def mismatch(samplers: list[str], weight: float) -> np.ndarray:
    scenario = Scenario.from_dict(
        {
            "prior": {"weights": [1.0], "means": [[0.5, -0.3]], "covariances": [[[1.0, 0.6], [0.6, 1.0]]]},
            "measurement": {"matrix": [[1.0, 0.0]], "noise": 0.3, "value": [1.2]},
            "schedule": {"steps": 40},
            "samplers": {"shrunk": {"weight": weight}},
            "run": {"samplers": samplers, "particles": 50, "paths": 50, "device": "cpu"},
        }
    )
    experiment = Experiment(scenario, keep_frames=False)
    for _ in experiment.run():
        pass
    return experiment.results.terms.value["mismatch"][:, -1]


@pytest.mark.parametrize("shrunk", PAGES, indirect=True)
def test_documented_sampler_with_full_weight_matches_oracle(shrunk: str) -> None:
    assert shrunk == "shrunk"
    whole, oracle = mismatch(["shrunk", "bo-oracle"], 1.0)
    assert whole == pytest.approx(oracle, rel=1e-9), "with the full weight of the prior it equals the oracle"
    half, _ = mismatch(["shrunk", "bo-oracle"], 0.5)
    assert half > 1.01 * oracle


@pytest.mark.parametrize("page", PAGES)
def test_documented_sampler_is_ten_lines_long(page: str) -> None:
    assert len(example(page).splitlines()) == 10


def test_members_in_help_table_exist() -> None:
    text = (ROOT / PAGES[-1]).read_text(encoding="utf-8")
    names = set(re.findall(r"`level\.(\w+)", text))
    assert len(names) > 8
    assert names <= {*dir(Level), *Level.__dataclass_fields__}
    rows = [line for line in text.splitlines() if line.startswith("| `level.measurement")]
    members = set(re.findall(r"[`.](?:measurement)?\.(\w+)`", " ".join(rows)))
    assert {"matrix", "noise", "null_projector", "estimate"} <= members
    assert members <= {*dir(Measurement), *Measurement.__dataclass_fields__}
