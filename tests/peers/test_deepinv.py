"""One step of deepinv's samplers beside ours: equal to rounding, or different by a definition that is written out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor

if find_spec("deepinv") is None:
    pytest.skip("deepinv is not installed: make peers, or pip install -e .[peers]", allow_module_level=True)

from deepinv.optim.data_fidelity import L2
from deepinv.sampling import (
    DDRM,
    DPS,
    DDIMSolver,
    DDPMSolver,
    DiffPIR,
    DPSDataFidelity,
    MomentMatchingDataFidelity,
    NoisyDataFidelity,
    PiGDMDataFidelity,
    PosteriorDiffusion,
)

from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS
from tests.peers.deepinv_side import ExactDenoiser, decomposed, linear, process
from tests.peers.exact import ALL, F64, OBLIQUE, PRIORS, SCHEDULE, level, points, problem, small_prior

TIMES = [300, 150, 40, 5]
ROUNDING = 5e-4
"""Of guidance, relative to its largest: denoisers see float32, conjugate gradients add 1e-8 to divisors."""
MANY = 40_000


@pytest.fixture(params=PRIORS.values(), ids=PRIORS)
def prior(request: pytest.FixtureRequest) -> Callable[[], object]:
    return request.param


def guidance(of: Problem, t: int, x: Tensor, key: str) -> Tensor:
    """Return what our sampler adds to the prior's score, in rows."""
    at, columns = level(of, t), x.mT.contiguous()
    return (SAMPLERS[key].score(at, columns) - at.prior_score(columns)).mT


def theirs(term: NoisyDataFidelity, of: Problem, t: int, x: Tensor) -> Tensor:
    """Return what deepinv adds to the prior's score: its gradient is that by ``x / sqrt(abar)``."""
    abar = float(SCHEDULE.alpha_bar[t])
    assert getattr(term, "cg_max_iter", 3) == 3
    found = term.grad(
        (x / abar**0.5).clone(),
        of.measurement.value.expand(len(x), -1).float(),
        linear(of.measurement),
        torch.tensor(((1 - abar) / abar) ** 0.5, dtype=F64),
    )
    return -found.detach() / abar**0.5


def close(found: Tensor, expected: Tensor) -> None:
    assert float((found - expected).norm(dim=1).max() / expected.norm(dim=1).max()) < ROUNDING


@pytest.mark.parametrize("matrix", [OBLIQUE, ALL], ids=["p = 1", "p = 2"])
@pytest.mark.parametrize("t", TIMES)
def test_pigdm_is_equal(prior: Callable, t: int, matrix: Tensor) -> None:
    of = problem(prior(), matrix)
    x = points(of, t)
    close(theirs(PiGDMDataFidelity(ExactDenoiser(of.prior), cg_tol=1e-9), of, t, x), guidance(of, t, x, "pigdm"))


@pytest.mark.parametrize("matrix", [OBLIQUE, ALL], ids=["p = 1", "p = 2"])
@pytest.mark.parametrize("t", TIMES)
def test_moment_matching_is_tmpd(prior: Callable, t: int, matrix: Tensor) -> None:
    of = problem(prior(), matrix)
    x = points(of, t)
    close(
        theirs(MomentMatchingDataFidelity(ExactDenoiser(of.prior), cg_tol=1e-9), of, t, x), guidance(of, t, x, "tmpd")
    )


@pytest.mark.parametrize("t", TIMES)
def test_dps_adds_the_gradient_to_the_score_without_the_factor_of_the_step(prior: Callable, t: int) -> None:
    of = problem(prior(), ALL)
    x, at = points(of, t), level(of, t)
    found = theirs(DPSDataFidelity(ExactDenoiser(of.prior), weight=0.5), of, t, x)
    close(found * at.alpha**0.5 / at.beta, guidance(of, t, x, "dps"))


def test_dps_clips_the_denoised_mean_to_images() -> None:
    of = problem(PRIORS["three components"](), ALL)
    term = DPS(ExactDenoiser(of.prior)).data_fidelity
    assert term.clip == [-1.0, 1.0]
    x = points(of, 40)
    free = theirs(DPSDataFidelity(ExactDenoiser(of.prior)), of, 40, x)
    clipped = theirs(DPSDataFidelity(ExactDenoiser(of.prior), clip=[-1.0, 1.0]), of, 40, x)
    columns = x.mT.contiguous()
    at = level(of, 40)
    outside = at.denoised(columns, at.prior_score(columns)).abs().amax(0) > 1.01
    assert 0.2 < outside.double().mean() < 0.9
    assert ((free - clipped).norm(dim=1) > 1e-3)[outside].all()


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Solvers that add no noise."""
    monkeypatch.setattr(DDPMSolver, "randn_like", lambda _, x: torch.zeros_like(x))


@pytest.mark.parametrize("t", [*TIMES, 1])
@pytest.mark.usefixtures("still")
def test_ddim_and_the_mean_of_ddpm_are_equal(prior: Callable, t: int) -> None:
    of = problem(prior())
    x, at = points(of, t), level(of, t)
    columns = x.mT.contiguous()
    for key, solver, expected in (
        ("ddim", DDIMSolver, type(SAMPLERS["ddim"])(score=SAMPLERS["prior"])),
        ("prior", DDPMSolver, SAMPLERS["prior"]),
    ):
        timesteps = torch.tensor([float(t), float(t - 1)], dtype=F64)
        sde = process(SCHEDULE)
        run = PosteriorDiffusion(
            denoiser=ExactDenoiser(of.prior), sde=sde, solver=solver(timesteps=timesteps), minus_one_one=False
        )
        moved = run.solver.step(run.posterior, timesteps[0], timesteps[1], x, None, None)[0]
        torch.testing.assert_close(moved, expected.kernel(at, columns).mean.mT, atol=2e-5, rtol=0, msg=key)


def test_variance_of_ddpm_is_that_of_the_posterior(monkeypatch: pytest.MonkeyPatch) -> None:
    of = problem(PRIORS["three components"]())
    x, at = points(of, 40), level(of, 40)
    timesteps = torch.tensor([40.0, 39.0], dtype=F64)
    for variance, kind in (("small", "posterior"), ("large", "beta")):
        solver = DDPMSolver(timesteps=timesteps, variance=variance)
        run = PosteriorDiffusion(
            denoiser=ExactDenoiser(of.prior), sde=process(SCHEDULE), solver=solver, minus_one_one=False
        )
        ends = []
        for noise in (torch.zeros_like, torch.ones_like):
            monkeypatch.setattr(DDPMSolver, "randn_like", lambda _, x, noise=noise: noise(x))
            ends.append(solver.step(run.posterior, timesteps[0], timesteps[1], x, None, None)[0])
        expected = type(SAMPLERS["prior"])(variance=kind).step_variance(at)
        torch.testing.assert_close((ends[1] - ends[0]).square(), torch.full_like(x, float(expected)))


def drawn(
    of: Problem, times: Sequence[int], monkeypatch: pytest.MonkeyPatch, numbers: Sequence[Tensor] = ()
) -> list[Tensor]:
    """Return x_t of DDRM divided by the root of abar_t at some times; with ``numbers`` in place of its random ones."""
    sigmas = [float((1 - SCHEDULE.alpha_bar[t]) / SCHEDULE.alpha_bar[t]) ** 0.5 for t in times]
    denoiser = ExactDenoiser(of.prior)
    if numbers:
        given = iter(numbers)
        monkeypatch.setattr(torch, "randn_like", lambda _: next(given))
    y = torch.zeros(len(numbers[0]) if numbers else MANY, of.prior.dimension, dtype=F64)
    y[:, : of.measurement.matrix.shape[0]] = of.measurement.value
    DDRM(denoiser, sigmas=sigmas)(y, decomposed(of.measurement))
    monkeypatch.undo()
    return denoiser.given


@pytest.mark.parametrize("matrix", [OBLIQUE, ALL], ids=["p = 1", "p = 2"])
@pytest.mark.parametrize("t", [299, 150, 40, 5, 1])
def test_mean_of_ddrm_is_equal(prior: Callable, t: int, matrix: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    of = problem(prior(), matrix)
    numbers = [*torch.randn(2, 64, 2, dtype=F64, generator=torch.Generator().manual_seed(0)), torch.zeros(64, 2)]
    _, before, after = drawn(of, (300, t, t - 1), monkeypatch, numbers)
    at = level(of, t)
    expected = SAMPLERS["ddrm"].kernel(at, at.abar**0.5 * before.mT.contiguous()).mean.mT
    # Theirs adds 1e-6 to divisors.
    torch.testing.assert_close(at.abar_previous**0.5 * after, expected, atol=2e-5, rtol=0)


@pytest.mark.parametrize("t", [299, 150, 5])
def test_variance_of_ddrm_is_halved(t: int, monkeypatch: pytest.MonkeyPatch) -> None:
    of = problem(PRIORS["three components"]())
    torch.manual_seed(0)
    began, before, after = drawn(of, (300, t, t - 1), monkeypatch)
    at, basis = level(of, t), of.measurement.right_basis
    kernel = SAMPLERS["ddrm"].kernel(at, at.abar**0.5 * before.mT.contiguous())
    along = (at.abar_previous**0.5 * after - kernel.mean.mT) @ basis
    last = float(SCHEDULE.alpha_bar[-1])
    start = SAMPLERS["ddrm"].start(of.measurement, last)
    first = (last**0.5 * began) @ basis
    for found, variance in ((first, start.variance), (along, kernel.variance)):
        ratio = found.var(dim=0) / torch.as_tensor(variance).expand(2, 1).squeeze(1)
        torch.testing.assert_close(ratio, torch.full_like(ratio, 0.5), rtol=0, atol=0.5 * 5 * (2 / MANY) ** 0.5)


def test_ddrm_uses_y_only_along_singular_values_above_its_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    of = problem(PRIORS["three components"](), 0.25 * OBLIQUE)  # s = .25 < sigma_y = .3
    numbers = [torch.randn(64, 2, dtype=F64, generator=torch.Generator().manual_seed(0)), torch.zeros(64, 2)]
    before, after = drawn(of, (300, 299), monkeypatch, numbers)
    at = level(of, 300)
    kernel = SAMPLERS["ddrm"].kernel(at, at.abar**0.5 * before.mT.contiguous())
    assert (at.abar_previous**0.5 * after - kernel.mean.mT).abs().max() > 0.1
    assert kernel.variance.shape == (2, 1)


def test_ddrm_has_no_start_where_the_noise_of_y_is_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    of = problem(PRIORS["three components"]())
    t = int((SCHEDULE.alpha_bar > 1 / (1 + 0.2**2)).sum()) - 1  # sigma_t below sigma_y / s = .3
    assert drawn(of, (t, t - 1), monkeypatch)[0].isnan().any()
    assert SAMPLERS["ddrm"].start(of.measurement, float(SCHEDULE.alpha_bar[t])).mean.isfinite().all()


class TestDiffPIR:
    """Its coordinates are ``z = (x + 1) / 2``, its 1000 noise levels its own, of which it takes those of ``seq``."""

    @staticmethod
    def steps(of: Problem, lam: float, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Tensor], Schedule]:
        """Return x_t and x_s, and a schedule whose levels 2 and 1 they are."""
        shifted = (of.measurement.value + of.measurement.matrix.sum(1)) / 2
        images = Measurement(of.measurement.matrix, shifted, of.measurement.noise / 2)
        denoiser = ExactDenoiser(of.prior, doubled=True)
        model = DiffPIR(denoiser, L2(), sigma=images.noise, max_iter=3, zeta=0.3, lambda_=lam)
        numbers = iter([torch.randn(64, 2, generator=torch.Generator().manual_seed(0)), *torch.zeros(3, 64, 2)])
        monkeypatch.setattr(torch, "randn_like", lambda _: next(numbers))
        model(shifted.expand(64, -1).float(), linear(images))
        monkeypatch.undo()
        bars = [1 / (1 + float(model.sigmas[int(model.seq[index])]) ** 2) for index in (1, 2)]
        return denoiser.given[1:3], Schedule((1 - bars[1], 1 - bars[0] / bars[1]))

    def step_of_ours(self, of: Problem, schedule: Schedule, lam: float, before: Tensor) -> Tensor:
        at = level(of, 2, schedule)
        columns = (at.abar**0.5 * before.double()).mT.contiguous()
        return type(SAMPLERS["diffpir"])(lam=lam, zeta=0.3).kernel(at, columns).mean.mT / at.abar_previous**0.5

    def test_step_is_equal_with_half_of_lambda(self, monkeypatch: pytest.MonkeyPatch) -> None:
        of = problem(small_prior(), ALL)
        (before, after), schedule = self.steps(of, 8.0, monkeypatch)
        torch.testing.assert_close(after.double(), self.step_of_ours(of, schedule, 4.0, before), atol=1e-3, rtol=1e-3)
        assert (after - self.step_of_ours(of, schedule, 8.0, before)).abs().max() > 0.02

    def test_denoised_mean_is_clipped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        of = problem(PRIORS["three components"](), ALL)
        (before, after), schedule = self.steps(of, 8.0, monkeypatch)
        assert (after - self.step_of_ours(of, schedule, 4.0, before)).abs().max() > 0.05
