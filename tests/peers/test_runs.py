"""Whole runs from T to 0: particles of public implementations against ours, by the Kolmogorov-Smirnov statistic.

Along four directions, at a level of 1e-4 each; every comparison that passes has a twin that is told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torch import Tensor

pytest.importorskip("azula", reason="azula is not installed: make peers, or pip install -e .[peers]")
if find_spec("deepinv") is None:
    pytest.skip("deepinv is not installed: make peers, or pip install -e .[peers]", allow_module_level=True)

from azula.guidance.diffpir import DiffPIRDenoiser
from azula.guidance.dps import DPSSampler
from azula.guidance.mmps import MMPSDenoiser
from azula.guidance.repaint import RePaintSampler
from azula.guidance.tmpd import TMPDenoiser
from azula.linalg.covariance import IsotropicCovariance
from azula.sample import DDIMSampler, DDPMSampler, HeunSampler
from deepinv.sampling import DDRM, DDPMSolver, MomentMatchingDataFidelity, PiGDMDataFidelity, PosteriorDiffusion

from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS
from core.simulation.simulate import Trace, simulate
from tests.peers.azula_side import ExactDenoiser, run_settings
from tests.peers.deepinv_side import ExactDenoiser as DeepinvDenoiser
from tests.peers.deepinv_side import decomposed, linear, process
from tests.peers.exact import F64, FIRST, PRIORS, problem

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
SCHEDULE = Schedule.exponential_then_constant(60, 4.0, 1e-3)
MANY = 4000
DIRECTIONS = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.7, 0.7], [0.7, -0.7]], dtype=F64)


@pytest.fixture(params=PRIORS.values(), ids=PRIORS)
def of(request: pytest.FixtureRequest) -> Problem:
    torch.manual_seed(1)
    return problem(request.param())


def start(count: int = MANY) -> Tensor:
    return torch.randn(count, 2, dtype=F64)


def ours(of: Problem, key: str, last: int = 0, **settings: object) -> Tensor:
    """Return x_t of our run at t = ``last``, in rows."""
    sampler = type(SAMPLERS[key])(**settings)
    trace = Trace.empty(1, SCHEDULE.steps, 2, MANY, keep_frames=True)
    for _ in simulate(of, SCHEDULE, [sampler], trace, seed=0, device=torch.device("cpu")):
        pass
    return trace.particles(0, SCHEDULE.steps - last).mT.double()


def are_alike(one: Tensor, other: Tensor) -> bool:
    """Return whether no direction tells the laws of two clouds apart."""
    return all(
        ks_2samp(*(np.asarray(cloud @ direction) for cloud in (one, other))).pvalue > 1e-4 for direction in DIRECTIONS
    )


def test_ddim(of: Problem) -> None:
    theirs = DDIMSampler(ExactDenoiser(of.prior, SCHEDULE), **run_settings(60))(start())
    assert are_alike(theirs, ours(of, "ddim", score=SAMPLERS["prior"]))
    assert not are_alike(theirs, ours(of, "ddim", score=SAMPLERS["bo-ddnm"]))


def test_heun_to_the_last_step_but_one(of: Problem) -> None:
    settings = run_settings(60) | {"stop": 1.0, "steps": 59}
    theirs = HeunSampler(ExactDenoiser(of.prior, SCHEDULE), **settings)(start())
    assert are_alike(theirs, ours(of, "heun", last=1, score=SAMPLERS["prior"]))
    assert not are_alike(theirs, ours(of, "heun", last=1, score=SAMPLERS["bo-ddnm"]))


def test_diffpir_with_our_share_of_noise(of: Problem) -> None:
    measured = of.measurement
    denoiser = DiffPIRDenoiser(
        ExactDenoiser(of.prior, SCHEDULE), measured.value, lambda x: x @ measured.matrix.mT, measured.noise**2, 8.0
    )
    bars, x = torch.tensor(SCHEDULE.alpha_bar), start()
    for t in range(60, 0, -1):
        left = 1 - bars[t] / bars[t - 1] * (1 - bars[t - 1]) / (1 - bars[t])
        sampler = DDIMSampler(denoiser, eta=0.3 / float(left), **run_settings(60))
        x = sampler.step(x, torch.tensor(float(t)), torch.tensor(float(t - 1)))
    assert are_alike(x, ours(of, "diffpir"))
    assert not are_alike(x, ours(of, "diffpir", lam=200.0))


def test_ddpm(of: Problem) -> None:
    theirs = DDPMSampler(ExactDenoiser(of.prior, SCHEDULE), **run_settings(60))(start())
    assert are_alike(theirs, ours(of, "prior", variance="posterior"))
    assert not are_alike(theirs, ours(of, "exact", variance="posterior"))


def test_tmpd_and_mmps(of: Problem) -> None:
    measured = of.measurement
    expected, twin = (ours(of, key, variance="posterior") for key in ("tmpd", "pigdm"))
    denoiser, var = ExactDenoiser(of.prior, SCHEDULE), measured.noise**2
    A: Callable[[Tensor], Tensor] = lambda x: x @ measured.matrix.mT  # noqa: E731, N806
    for guided in (
        TMPDenoiser(denoiser, measured.value, A, var),
        MMPSDenoiser(denoiser, measured.value, A, IsotropicCovariance(var)),
    ):
        theirs = DDPMSampler(guided, **run_settings(60))(start())
        assert are_alike(theirs, expected)
        assert not are_alike(theirs, twin)


@pytest.mark.parametrize(
    ("key", "term", "twin"), [("pigdm", PiGDMDataFidelity, "dps"), ("tmpd", MomentMatchingDataFidelity, "dps")]
)
def test_pigdm_and_moment_matching(of: Problem, key: str, term: type, twin: str) -> None:
    denoiser = DeepinvDenoiser(of.prior)
    solver = DDPMSolver(timesteps=torch.arange(60, -1, -1, dtype=F64))
    run = PosteriorDiffusion(term(denoiser), denoiser, process(SCHEDULE), solver, minus_one_one=False)
    theirs = run(of.measurement.value.expand(MANY, -1), linear(of.measurement), x_init=start())
    assert are_alike(theirs, ours(of, key, variance="posterior"))
    assert not are_alike(theirs, ours(of, twin, variance="posterior"))


@pytest.mark.parametrize("rounds", [1, 3])
def test_repaint(of: Problem, rounds: int) -> None:
    seen = problem(of.prior, FIRST)
    mask = torch.tensor([True, False])
    y = torch.tensor([0.2, 0.0], dtype=F64).expand(MANY, 2)  # otherwise all particles share the noise of y
    sampler = RePaintSampler(ExactDenoiser(of.prior, SCHEDULE), y, mask, iterations=rounds, eta=1.0, **run_settings(60))
    theirs = sampler(start())[:, 1:] * torch.tensor([0.0, 1.0])
    mine = ours(seen, "repaint", rounds=rounds, variance="posterior") * torch.tensor([0.0, 1.0])
    assert are_alike(theirs, mine)
    assert not are_alike(theirs, ours(seen, "prior", variance="posterior") * torch.tensor([0.0, 1.0]))


def test_dps_one_by_one(of: Problem) -> None:
    measured = of.measurement
    sampler = DPSSampler(
        ExactDenoiser(of.prior, SCHEDULE), measured.value, lambda x: x @ measured.matrix.mT, 0.5, **run_settings(60)
    )
    theirs = torch.cat([sampler(row) for row in start(200).split(1)])
    assert are_alike(theirs, ours(of, "dps", variance="posterior"))
    together = sampler(start())  # 4000 particles share one norm, which leaves little guidance
    assert not are_alike(together, ours(of, "dps", variance="posterior"))


def ddrm(of: Problem) -> Tensor:
    bars: Sequence[float] = SCHEDULE.alpha_bar[::-1]
    y = torch.zeros(MANY, 2, dtype=F64)
    y[:, :1] = of.measurement.value
    sigmas = [((1 - bar) / bar) ** 0.5 for bar in bars]
    return DDRM(DeepinvDenoiser(of.prior), sigmas=sigmas)(y, decomposed(of.measurement))


def test_ddrm_once_its_noise_is_whole(of: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = ours(of, "ddrm")
    published = ddrm(of)
    plain = torch.randn_like
    monkeypatch.setattr(torch, "randn_like", lambda x: 2**0.5 * plain(x))
    assert are_alike(ddrm(of), expected)
    assert not are_alike(published, expected)
