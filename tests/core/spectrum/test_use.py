"""Names for notebooks: README's example runs, and files mean the same from any folder."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from core import ScenarioError, SpectrumSetting, load_spectrum, predict_spectrum, simulate_spectrum

README = Path(__file__).parents[3] / "README.md"


def test_example_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (example,) = [block for block in blocks if "load_spectrum" in block]
    exec(example, {})
    assert "('generalisation', " in capsys.readouterr().out


def test_prediction_and_simulation_agree_and_are_those_of_the_setting() -> None:
    setting = load_spectrum("langevin-power-law")
    assert isinstance(setting, SpectrumSetting)
    predicted, simulated = predict_spectrum(setting).w2_squared, simulate_spectrum(setting, seed=2).w2_squared
    assert simulated.count == setting.learning.repeats
    assert abs(predicted.value - simulated.mean) < 4 * simulated.error
    assert simulate_spectrum(setting, repeats=5).w2_squared.count == 5


def test_relative_paths_start_at_the_settings_file(tmp_path: Path) -> None:
    np.save(tmp_path / "numbers.npy", np.array([3.0, 2.0, 1.0]))
    (tmp_path / "mine.toml").write_text('[spectrum]\nkind = "file"\npath = "numbers.npy"\n', encoding="utf-8")
    setting = load_spectrum(str(tmp_path / "mine.toml"))
    assert predict_spectrum(setting).spectrum.eigenvalues.tolist() == [3, 2, 1]
    with pytest.raises(ScenarioError, match="no such file or built-in spectrum"):
        load_spectrum("lost")
