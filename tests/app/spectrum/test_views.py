"""Parts of the page that compute: means of the kernel, shares by source, remembered simulations, undo."""

from __future__ import annotations

import numpy as np
import pytest

from app.spectrum.analysis import analyse
from app.spectrum.document import SettingDocument, State
from app.spectrum.measured import Measured
from core.spectrum.errors import kernel_norm
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import simulate_setting
from core.spectrum.spectra import power_law
from core.spectrum.views import block_means


def test_kernel_is_averaged_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    lam = power_law(12).eigenvalues
    whole = kernel_norm(lam, 1.1 * lam)
    edges, same = block_means(lam, 1.1 * lam)
    assert same == pytest.approx(whole)
    assert edges.tolist() == [0.5 + each for each in range(13)]
    monkeypatch.setattr("core.spectrum.views.MOST_CELLS", 4)
    edges, means = block_means(lam, 1.1 * lam)
    assert means == pytest.approx(whole.reshape(4, 3, 4, 3).mean((1, 3)))
    assert edges.tolist() == [0.5, 3.5, 6.5, 9.5, 12.5]


def test_shares_of_all_sources_sum_to_one_and_to_the_budget() -> None:
    method = {"kind": "diffusion", "points": 50}
    setting = SpectrumSetting.from_dict({"method": method, "learning": {"samples": 5000, "tau": 1e-5}})
    analysis = analyse(setting, setting.spectrum.build())
    assert sum(float(each.sum()) for each in analysis.shares.values()) == pytest.approx(1.0)
    for each in analysis.prediction.budget.sources:
        assert float(analysis.squares[each.source].sum()) == pytest.approx(each.added, abs=1e-15)
    unstable = analyse(SpectrumSetting.from_dict({"method": {"kind": "langevin", "gamma": 0.5}}), power_law(16))
    assert float(unstable.shares["discretisation"].sum()) == pytest.approx(1.0)
    assert unstable.unstable.any()


def test_simulations_are_found_again_by_what_matters() -> None:
    setting = SpectrumSetting.from_dict({"spectrum": {"dimension": 3}, "learning": {"samples": 50, "repeats": 4}})
    found = list(simulate_setting(setting, setting.spectrum.build()))[-1]
    measured = Measured()
    measured.add(setting, found)
    assert measured.of(setting.patched({"name": "another", "learning": {"repeats": 9, "seed": 3}})) is found
    other = setting.patched({"learning": {"samples": 60}})
    assert measured.of(other) is None
    assert [dot.value for dot in measured.dots(other, "learning.samples")] == [50]
    assert measured.dots(other, "method.sigma") == []


def test_steps_of_an_edit_in_progress_are_one_and_can_be_cancelled() -> None:
    settings = [SpectrumSetting.from_dict({"method": {"sigma": sigma}}) for sigma in np.linspace(0.1, 0.5, 5).tolist()]
    document = SettingDocument(State(settings[0]))
    for each in settings[1:4]:
        document.edit(each, key="drag")
    document.settle()
    document.edit(settings[4], key="drag")
    document.cancel()
    assert document.setting == settings[3]
    assert not document.can_redo
    document.undo()
    assert document.setting == settings[0]
    document.redo()
    assert document.setting == settings[3]
    assert document.can_undo
