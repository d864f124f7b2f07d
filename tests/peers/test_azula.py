"""One step of azula's samplers beside ours: equal to rounding, or different by a definition that is written out."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature

import pytest
import torch
from torch import Tensor

pytest.importorskip("azula", reason="azula is not installed: make peers, or pip install -e .[peers]")

from azula.guidance.diffpir import DiffPIRDenoiser
from azula.guidance.dps import DPSSampler
from azula.guidance.mmps import MMPSDenoiser
from azula.guidance.pgdm import PGDMSampler
from azula.guidance.repaint import RePaintSampler
from azula.guidance.tmpd import TMPDenoiser
from azula.linalg.covariance import IsotropicCovariance
from azula.sample import DDIMSampler, DDPMSampler, HeunSampler, Sampler

from core.problem.problem import Problem
from core.samplers import SAMPLERS
from tests.peers.azula_side import ExactDenoiser
from tests.peers.exact import ALL, F64, FIRST, PRIORS, SCHEDULE, level, points, problem

TIMES = [300, 150, 40, 5]

# torch itself asks for what it deprecates, at the first product with a Jacobian.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")


@pytest.fixture(params=PRIORS.values(), ids=PRIORS)
def prior(request: pytest.FixtureRequest) -> Callable[[], object]:
    return request.param


def time(t: int) -> Tensor:
    return torch.tensor(float(t), dtype=F64)


def ours(key: str, of: Problem, t: int, x: Tensor, **settings: object) -> Tensor:
    sampler = type(SAMPLERS[key])(**settings)
    return sampler.kernel(level(of, t), x.mT.contiguous()).mean.mT


def theirs(sampler: Sampler, t: int, x: Tensor) -> Tensor:
    return sampler.step(x, time(t), time(t - 1)).detach()


def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let steps add no noise, so that they return their means."""
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)


def guided(of: Problem, t: int, x: Tensor, key: str) -> Tensor:
    """Return our denoised mean under a sampler's score."""
    at, columns = level(of, t), x.mT.contiguous()
    return at.denoised(columns, SAMPLERS[key].score(at, columns)).mT


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("t", [*TIMES, 1])
def test_exact_denoisers_agree(prior: Callable, t: int) -> None:
    of = problem(prior())
    x, at = points(of, t), level(of, t)
    columns = x.mT.contiguous()
    close(ExactDenoiser(of.prior, SCHEDULE)(x, time(t)).mean, at.denoised(columns, at.prior_score(columns)).mT)


@pytest.mark.parametrize("t", [*TIMES, 1])
def test_ddim_is_equal(prior: Callable, t: int) -> None:
    of = problem(prior())
    x = points(of, t)
    close(theirs(DDIMSampler(ExactDenoiser(of.prior, SCHEDULE)), t, x), ours("ddim", of, t, x, score=SAMPLERS["prior"]))


@pytest.mark.parametrize("t", TIMES)
def test_heun_is_equal_before_the_last_step(prior: Callable, t: int) -> None:
    of = problem(prior())
    x = points(of, t)
    close(theirs(HeunSampler(ExactDenoiser(of.prior, SCHEDULE)), t, x), ours("heun", of, t, x, score=SAMPLERS["prior"]))


def test_last_step_of_heun_divides_by_the_noise_level_zero() -> None:
    of = problem(PRIORS["three components"]())
    x = points(of, 1)
    assert not theirs(HeunSampler(ExactDenoiser(of.prior, SCHEDULE)), 1, x).isfinite().any()
    assert ours("heun", of, 1, x, score=SAMPLERS["prior"]).isfinite().all()


@pytest.mark.parametrize("t", [*TIMES, 1])
def test_mean_of_ddpm_is_equal(prior: Callable, t: int, monkeypatch: pytest.MonkeyPatch) -> None:
    still(monkeypatch)
    of = problem(prior())
    x = points(of, t)
    close(theirs(DDPMSampler(ExactDenoiser(of.prior, SCHEDULE)), t, x), ours("prior", of, t, x))


@pytest.mark.parametrize("t", TIMES)
def test_variance_of_ddpm_is_that_of_the_posterior(t: int, monkeypatch: pytest.MonkeyPatch) -> None:
    of = problem(PRIORS["three components"]())
    x, sampler = points(of, t), DDPMSampler(ExactDenoiser(of.prior, SCHEDULE))
    monkeypatch.setattr(torch, "randn_like", torch.ones_like)
    moved = theirs(sampler, t, x)
    still(monkeypatch)
    square = (moved - theirs(sampler, t, x)).square()
    at = level(of, t)
    settings = {kind: type(SAMPLERS["prior"])(variance=kind).step_variance(at) for kind in ("posterior", "theory")}
    close(square, torch.full_like(x, float(settings["posterior"])))
    assert settings["theory"] > settings["posterior"] * (1 + 1e-4)


@pytest.mark.parametrize("t", TIMES)
def test_tmpd_and_mmps_are_equal_for_one_row(prior: Callable, t: int) -> None:
    of = problem(prior())
    x, measured = points(of, t), of.measurement
    denoiser, var = ExactDenoiser(of.prior, SCHEDULE), measured.noise**2
    expected = guided(of, t, x, "tmpd")
    close(
        TMPDenoiser(denoiser, measured.value, lambda x: x @ measured.matrix.mT, var)(x, time(t)).mean.detach(), expected
    )
    for iterations in (1, 2):
        mmps = MMPSDenoiser(
            denoiser, measured.value, lambda x: x @ measured.matrix.mT, IsotropicCovariance(var), iterations=iterations
        )
        close(mmps(x, time(t)).mean.detach(), expected)


def relative(found: Tensor, expected: Tensor, plain: Tensor) -> Tensor:
    """Return by how much of ours, at every point, the guidance of another differs."""
    return (found - expected).norm(dim=1) / (expected - plain).norm(dim=1)


@pytest.mark.parametrize("t", TIMES)
def test_tmpd_sums_rows_for_two_and_mmps_takes_two_iterations(prior: Callable, t: int) -> None:
    of = problem(prior(), ALL)
    x, measured = points(of, t), of.measurement
    denoiser, var = ExactDenoiser(of.prior, SCHEDULE), measured.noise**2
    expected, plain = guided(of, t, x, "tmpd"), guided(of, t, x, "prior")
    A = lambda x: x @ measured.matrix.mT  # noqa: E731, N806
    rows = TMPDenoiser(denoiser, measured.value, A, var)(x, time(t)).mean.detach()
    cov = IsotropicCovariance(var)
    one, two = (
        MMPSDenoiser(denoiser, measured.value, A, cov, iterations=count)(x, time(t)).mean.detach() for count in (1, 2)
    )
    close(two, expected)
    assert relative(rows, expected, plain).max() > 5e-3
    assert relative(one, expected, plain).max() > 3e-3


def test_row_sums_of_the_covariance_may_vanish() -> None:
    of = problem(PRIORS["three components"](), torch.tensor([[1.0, 0.0], [-0.9, 0.3]], dtype=F64))
    x, measured = points(of, 150, 500), of.measurement
    expected, plain = guided(of, 150, x, "tmpd"), guided(of, 150, x, "prior")
    denoiser = ExactDenoiser(of.prior, SCHEDULE)
    rows = TMPDenoiser(denoiser, measured.value, lambda x: x @ measured.matrix.mT, measured.noise**2)(x, time(150))
    assert relative(rows.mean.detach(), expected, plain).max() > 100
    mmps = MMPSDenoiser(
        denoiser, measured.value, lambda x: x @ measured.matrix.mT, IsotropicCovariance(measured.noise**2)
    )
    assert 0.9 < relative(mmps(x, time(150)).mean.detach(), expected, plain).max() < 1.1


def test_defaults() -> None:
    found = {
        (made.__name__, name): signature(made).parameters[name].default
        for made, name in (
            (DPSSampler, "zeta"),
            (MMPSDenoiser, "iterations"),
            (DiffPIRDenoiser, "iterations"),
            (DiffPIRDenoiser, "lmbda"),
            (RePaintSampler, "iterations"),
            (DDIMSampler, "eta"),
        )
    }
    assert list(found.values()) == [1.0, 1, 1, 10.0, 3, 0.0], found


@pytest.mark.parametrize("t", TIMES)
def test_dps_is_equal_one_by_one_and_couples_a_batch(prior: Callable, t: int, monkeypatch: pytest.MonkeyPatch) -> None:
    still(monkeypatch)
    of = problem(prior(), ALL)
    x, measured = points(of, t, 16), of.measurement
    sampler = DPSSampler(ExactDenoiser(of.prior, SCHEDULE), measured.value, lambda x: x @ measured.matrix.mT, zeta=0.5)
    expected, plain = ours("dps", of, t, x), ours("prior", of, t, x)
    close(torch.cat([theirs(sampler, t, row) for row in x.split(1)]), expected)
    together = theirs(sampler, t, x)
    residual = measured.value - guided(of, t, x, "prior") @ measured.matrix.mT
    share = residual.norm(dim=1, keepdim=True) / residual.norm()
    close(together - plain, (expected - plain) * share)


@pytest.mark.parametrize("t", TIMES)
def test_pgdm_is_the_noiseless_form(prior: Callable, t: int) -> None:
    of = problem(prior(), ALL, noise=0.0)
    x, measured = points(of, t), of.measurement
    inverse = torch.linalg.pinv(measured.matrix)
    sampler = PGDMSampler(
        ExactDenoiser(of.prior, SCHEDULE), measured.value, lambda x: x @ measured.matrix.mT, lambda y: y @ inverse.mT
    )
    plain = theirs(DDIMSampler(sampler.denoiser), t, x)
    at, columns = level(of, t), x.mT.contiguous()
    guidance = (SAMPLERS["pigdm"].score(at, columns) - at.prior_score(columns)).mT
    close(theirs(sampler, t, x) - plain, (at.abar_previous * at.abar) ** 0.5 * (1 - at.abar) * guidance)


@pytest.mark.parametrize("t", TIMES)
def test_proximal_step_of_diffpir_is_equal_after_d_iterations(prior: Callable, t: int) -> None:
    of = problem(prior(), ALL)
    x, measured = points(of, t), of.measurement
    diffpir = SAMPLERS["diffpir"]
    A = lambda x: x @ measured.matrix.mT  # noqa: E731, N806
    one, two = (
        DiffPIRDenoiser(
            ExactDenoiser(of.prior, SCHEDULE), measured.value, A, measured.noise**2, lmbda=8.0, iterations=count
        )(x, time(t)).mean.detach()
        for count in (1, 2)
    )
    expected = torch.cat([diffpir.assumed(level(of, t), row.mT).mean[None] for row in x.split(1)])
    close(two, expected)
    assert t < 150 or (one - expected).abs().max() > 1e-4


@pytest.mark.parametrize("t", TIMES)
def test_diffpir_with_ddim_takes_another_share_of_noise(t: int, monkeypatch: pytest.MonkeyPatch) -> None:
    of = problem(PRIORS["three components"](), ALL)
    x, measured, at = points(of, t), of.measurement, level(of, t)
    inner = DiffPIRDenoiser(
        ExactDenoiser(of.prior, SCHEDULE),
        measured.value,
        lambda x: x @ measured.matrix.mT,
        measured.noise**2,
        lmbda=8.0,
        iterations=2,
    )
    share = 1 - at.alpha * (1 - at.abar_previous) / (1 - at.abar)  # tau_t: DDIM's share is eta tau_t, ours zeta
    still(monkeypatch)
    close(theirs(DDIMSampler(inner, eta=0.3 / share), t, x), ours("diffpir", of, t, x))
    assert (theirs(DDIMSampler(inner, eta=0.3), t, x) - ours("diffpir", of, t, x)).abs().max() > 1e-4


@pytest.mark.parametrize("t", TIMES)
def test_repaint_with_one_iteration_is_replacement(prior: Callable, t: int, monkeypatch: pytest.MonkeyPatch) -> None:
    of = problem(prior(), FIRST)
    x = points(of, t)
    mask, y = torch.tensor([True, False]), torch.tensor([0.2, 0.0], dtype=F64)
    denoiser = ExactDenoiser(of.prior, SCHEDULE)
    sampler = RePaintSampler(denoiser, y, mask, iterations=1, eta=1.0)
    kernel = type(SAMPLERS["replacement"])(variance="posterior").kernel(level(of, t), x.mT.contiguous())
    monkeypatch.setattr(torch, "randn_like", torch.ones_like)
    moved = theirs(sampler, t, x)
    still(monkeypatch)
    mean = theirs(sampler, t, x)
    close(mean, kernel.mean.mT)
    basis = of.measurement.right_basis
    along = (basis * (kernel.variance * torch.ones(2, 1, dtype=F64)).mT) @ basis.mT
    close((moved - mean).square(), torch.diagonal(along).expand_as(x))
    # One y for all particles has one noise for all.
    monkeypatch.undo()
    shared = theirs(sampler, t, x)[:, 0]
    torch.testing.assert_close(shared, shared[:1].expand(len(x)))
    # The default eta = 0 moves the unmeasured part without noise.
    default = theirs(RePaintSampler(denoiser, y, mask, iterations=1), t, x)
    close(default[:, 1], theirs(DDIMSampler(denoiser), t, x)[:, 1])
