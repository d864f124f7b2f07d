"""Compiled loops: the same variances, derivatives, instabilities and moments as composed by NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from core.problem.schedule import Schedule
from core.spectrum import learned_langevin, methods
from core.spectrum.discrete import DISCRETE_SCHEMES, DiscreteDiffusion
from core.spectrum.errors import optimisation
from core.spectrum.jets import ORDER
from core.spectrum.langevin import Langevin
from core.spectrum.methods import SteppedMethod
from core.spectrum.recursion import compiled_loops
from core.spectrum.vp import SCHEMES, VPDiffusion

pytestmark = pytest.mark.skipif(compiled_loops() is None, reason="numba is not installed")

LAM = np.concatenate([np.geomspace(50, 1e-3, 70), [1.0, 0.0]])
"""More than one block of the loops, values that are equal to 1, and none."""
SCHEDULE = Schedule.cosine(50)
METHODS: list[SteppedMethod] = [
    *(VPDiffusion(1e-3, scheme=scheme, points=60) for scheme in SCHEMES),
    *(DiscreteDiffusion(SCHEDULE, last, "p_T", scheme) for scheme in DISCRETE_SCHEMES for last in (0, 3)),
    *(DiscreteDiffusion(SCHEDULE, 0, "N0", "ancestral", variance) for variance in ("beta", "posterior")),
    VPDiffusion(1e-5, scheme="Heun", points=26),
    VPDiffusion(1e-3, scheme="EM", points=15),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.label)
def test_loops_agree_with_compositions(method: SteppedMethod, monkeypatch: pytest.MonkeyPatch) -> None:
    lam = LAM[:-1] if method.scheme == "Heun" else LAM  # type: ignore[attr-defined] - its last score has no noise
    expected, jet, unstable = method.produced(lam), method.jet(lam), method.unstable(lam)
    monkeypatch.setattr(methods, "MANY", 0)
    np.testing.assert_allclose(method.produced(lam), expected, rtol=1e-11)
    assert (method.unstable(lam) == unstable).all()
    found = method.jet(lam)
    for k in range(ORDER + 1):
        scale = np.abs(jet.coefficient(k)) + 1e-9 * np.abs(jet.coefficient(k)).max()
        assert (np.abs(found.coefficient(k) - jet.coefficient(k)) / scale).max() < 1e-8
    wrong = method.recursion()
    table = wrong.table.copy()
    table[:, -1] *= 1.01
    broken = wrong._replace(table=table).values(lam, np.asarray(method.start_variance(lam)))
    assert broken is not None
    assert np.abs(broken[0] - expected).max() > 1e-4 * expected.max()


def test_instability_is_found_by_both(monkeypatch: pytest.MonkeyPatch) -> None:
    lam = np.geomspace(200, 2e-7, 70)
    coarse = [VPDiffusion(1e-5, scheme=scheme, points=14) for scheme in SCHEMES if scheme != "DDPM"]
    masks = [each.unstable(lam) for each in coarse]
    assert any(mask.any() for mask in masks)
    assert not all(mask.all() for mask in masks)
    monkeypatch.setattr(methods, "MANY", 0)
    for each, mask in zip(coarse, masks, strict=True):
        assert (each.unstable(lam) == mask).all()


@pytest.mark.parametrize("steps", [1, 2, 37, 1000, 10**9])
def test_moments_of_learned_langevin_agree(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lam, method = LAM[20:-1], Langevin(0.4, 0.05, steps)
    expected = optimisation(method, lam, 1e-3)
    monkeypatch.setattr(learned_langevin, "_FEW", 0)
    found = optimisation(method, lam, 1e-3)
    assert found is not None
    assert expected is not None
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-10, atol=1e-18)
    np.testing.assert_allclose(found.spread, expected.spread, rtol=1e-10, atol=1e-18)
    np.testing.assert_allclose(found.relative, expected.relative, rtol=1e-10)
