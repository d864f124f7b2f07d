from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, About, Kernel, Sampler, StochasticSampler, base, register
from core.samplers.base import ReverseVariance
from tests.core.samplers.test_chains import FORMULAS as CHAINS

F64 = torch.float64
SINGLE = {key: sampler for key, sampler in SAMPLERS.items() if not sampler.is_chain}
"""Samplers of one kernel a step."""
Make = Callable[..., GaussianMixture]
SCHEDULE = Schedule.exponential_then_constant(12, 4.0, 1e-3)
MATRICES = {
    "row": [[0.8, 1.2, -0.3]],
    "wide": [[1.0, 0.0, 1.0], [0.0, 2.0, 0.0]],
    "tall of rank 2": [[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 1.0, 1.0], [1.0, 3.0, 1.0]],
}


class Symbols:
    """The symbols of theory.md section 2, from H, y, sigma_y and the mixtures' scores alone."""

    def __init__(self, level: Level, x: Tensor) -> None:
        measurement, identity = level.measurement, torch.eye(len(x), dtype=F64)
        self.x, self.level = x, level
        self.matrix, self.y, self.noise = measurement.matrix, measurement.value.unsqueeze(-1), measurement.noise
        self.alpha, self.abar, self.before = 1 - level.beta, level.abar, level.abar_previous
        self.inverse = torch.linalg.pinv(self.matrix)
        self.seen = self.inverse @ self.matrix
        self.unmeasured = identity - self.seen
        self.centre = self.abar**0.5 * self.inverse @ self.y
        self.prior, self.target = level.prior.score(x), level.target.score(x)
        self.sigma = (1 - self.abar) * identity + self.abar * self.noise**2 * self.inverse @ self.inverse.mT
        self.xhat = (x + (1 - self.abar) * self.prior) / self.abar**0.5
        hessian = level.prior.score_jacobian(x).movedim(-1, 0)
        self.jacobian = (identity + (1 - self.abar) * hessian) / self.abar**0.5
        self.residual = self.y - self.matrix @ self.xhat

    def back(self, weights: Tensor) -> Tensor:
        """Return ``J H^T W (y - H xhat)`` for a matrix W (p, p), or one a particle."""
        return (self.jacobian @ self.matrix.mT @ weights @ self.residual.mT.unsqueeze(-1)).squeeze(-1).mT

    def precision(self, spread: Tensor) -> Tensor:
        """Return ``(H C H^T + sigma_y^2 I)^{-1}`` for a covariance C of x_0."""
        rows = len(self.matrix)
        return torch.linalg.inv(self.matrix @ spread @ self.matrix.mT + self.noise**2 * torch.eye(rows, dtype=F64))


SCORES: dict[str, Callable[[Symbols], Tensor]] = {
    "prior": lambda s: s.prior,
    "exact": lambda s: s.target,
    "ccdf": lambda s: s.unmeasured @ s.prior + (s.centre - s.seen @ s.x) / (1 - s.alpha),
    "ddnm": lambda s: s.unmeasured @ s.prior + (s.centre - s.seen @ s.x) / (1 - s.abar),
    "bo-ddnm": lambda s: s.unmeasured @ s.prior + torch.linalg.solve(s.sigma, s.centre - s.seen @ s.x),
    "bo-oracle": lambda s: s.unmeasured @ s.prior + s.seen @ s.target,
    "pigdm": lambda s: s.prior + s.back(s.precision((1 - s.abar) * torch.eye(len(s.x), dtype=F64))),
    "tmpd": lambda s: s.prior + s.back(s.precision((1 - s.abar) / s.abar**0.5 * s.jacobian)),
    "dps": lambda s: s.prior + 0.5 * s.back(torch.eye(len(s.y), dtype=F64)) / s.residual.norm(dim=0)
    * s.alpha**0.5 / (1 - s.alpha),
    "dps-gauss": lambda s: s.prior + s.back(torch.eye(len(s.y), dtype=F64)) / s.noise**2,
}  # fmt: skip

VARIANCES: dict[ReverseVariance, Callable[[Symbols], float]] = {
    "theory": lambda s: (1 - s.alpha) / s.alpha,
    "beta": lambda s: 1 - s.alpha,
    "posterior": lambda s: (1 - s.alpha) * (1 - s.before) / (1 - s.abar),
}


def flow(s: Symbols, score: Tensor, before: float) -> Tensor:
    denoised, noise = (s.x + (1 - s.abar) * score) / s.abar**0.5, -((1 - s.abar) ** 0.5) * score
    return before**0.5 * denoised + (1 - before) ** 0.5 * noise


def replacement(s: Symbols, variance: float) -> tuple[Tensor, Tensor]:
    prior = (s.x + (1 - s.alpha) * s.prior) / s.alpha**0.5
    mean = s.unmeasured @ prior + s.before**0.5 * s.inverse @ s.y
    return mean, variance * s.unmeasured + (1 - s.before) * s.seen


def ddnm_plus(s: Symbols, variance: float) -> tuple[Tensor, Tensor]:
    """Return mean and covariance of DDNM+ by singular directions, as in the paper's appendix."""
    towards = s.before**0.5 * (1 - s.alpha) / (1 - s.abar)
    stay = s.alpha**0.5 * (1 - s.before) / (1 - s.abar)
    _, scales, right = torch.linalg.svd(s.matrix)
    kept, covariance = torch.eye(len(s.x), dtype=F64), torch.zeros(len(s.x), len(s.x), dtype=F64)
    for index, direction in enumerate(right):
        scale = float(scales[index]) if index < len(scales) and scales[index] > 1e-12 else 0.0
        inherited = towards * s.noise
        share = 1.0 if inherited == 0 else min(1.0, variance**0.5 * scale / inherited) if scale else 1.0
        left = variance - (inherited * share / scale) ** 2 if scale else variance
        kept += (share - 1) * direction.outer(direction)
        covariance += left * direction.outer(direction)
    x0 = s.xhat - kept @ s.inverse @ (s.matrix @ s.xhat - s.y)
    return towards * x0 + stay * s.x, covariance


def ddrm(at: Direction) -> tuple[float | Tensor, float]:
    """Return mean and variance of ``xbar_{t-1}`` along a singular direction; eta = .85, eta_b = 1 of the paper."""
    kept = (1 - 0.85**2) ** 0.5
    if at.scale == 0:
        return at.xhat + kept * at.after * (at.xbar - at.xhat) / at.sigma, 0.85**2 * at.after**2
    if at.after < at.noise / at.scale:
        return at.xhat + kept * at.after * (at.ybar - at.xhat) / (at.noise / at.scale), 0.85**2 * at.after**2
    return at.ybar, at.after**2 - (at.noise / at.scale) ** 2


def diffpir(at: Direction) -> tuple[float | Tensor, float]:
    """Return mean and variance of ``xbar_{t-1}`` along a singular direction; lambda = 8, zeta = .3 of the paper."""
    relative = 8 * at.noise**2 / at.sigma**2
    clean = (at.scale**2 * at.ybar + relative * at.xhat) / (at.scale**2 + relative) if at.scale else at.xhat
    noise = (at.xbar - clean) / at.sigma
    return clean + 0.7**0.5 * at.after * noise, 0.3 * at.after**2


def daps(at: Direction) -> tuple[float | Tensor, float]:
    """Return mean and variance of ``xbar_{t-1}`` along a singular direction, with Tweedie's mean and ratio one."""
    if not at.scale:
        return at.xhat, at.sigma**2 + at.after**2
    share = at.sigma**2 * at.scale**2 / (at.sigma**2 * at.scale**2 + at.noise**2)
    return at.xhat + share * (at.ybar - at.xhat), at.sigma**2 * (1 - share) + at.after**2


class Direction(NamedTuple):
    """One singular direction in variance-exploding units: ``xbar = x / sqrt(abar)``, noise levels sigma."""

    scale: float
    ybar: float
    xhat: Tensor
    xbar: Tensor
    sigma: float
    after: float
    noise: float


BY_DIRECTION: dict[str, Callable[[Direction], tuple[float | Tensor, float]]] = {
    "ddrm": ddrm,
    "diffpir": diffpir,
    "daps": daps,
}


def by_direction(s: Symbols, own: Callable[[Direction], tuple[float | Tensor, float]]) -> tuple[Tensor, Tensor]:
    """Return mean and covariance of a step that is given along each singular direction."""
    left, scales, right = torch.linalg.svd(s.matrix)
    mean, covariance = torch.zeros_like(s.x), torch.zeros(len(s.x), len(s.x), dtype=F64)
    sigma, after = (((1 - abar) / abar) ** 0.5 for abar in (s.abar, s.before))
    for index, axis in enumerate(right):
        scale = float(scales[index]) if index < len(scales) and scales[index] > 1e-12 else 0.0
        ybar = float(left[:, index] @ s.y.squeeze(1)) / scale if scale else 0.0
        at = Direction(scale, ybar, axis @ s.xhat, axis @ s.x / s.abar**0.5, sigma, after, s.noise)
        centre, variance = own(at)
        mean += axis.unsqueeze(1) * centre
        covariance += variance * axis.outer(axis)
    return s.before**0.5 * mean, s.before * covariance


def formula(sampler: Sampler, level: Level, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean (d, N) and covariance (d, d) of a sampler's step."""
    s = Symbols(level, x)
    key, nothing = sampler.kind.key, torch.zeros(len(x), len(x), dtype=F64)
    if key in {"ddim", "heun"}:
        own = SCORES[sampler.score.kind.key]  # type: ignore[attr-defined]
        euler = flow(s, own(s), s.before)
        if key == "ddim" or level.t == 1:
            return euler, nothing
        return heun(s, euler, own), nothing
    if key in BY_DIRECTION:
        return by_direction(s, BY_DIRECTION[key])
    variance = VARIANCES[sampler.variance](s)  # type: ignore[attr-defined]
    if key in SCORES:
        return (x + (1 - s.alpha) * SCORES[key](s)) / s.alpha**0.5, variance * torch.eye(len(x), dtype=F64)
    return {"replacement": replacement, "ddnm+": ddnm_plus}[key](s, variance)


def heun(s: Symbols, euler: Tensor, own: Callable[[Symbols], Tensor]) -> Tensor:
    """Return Heun's step: the slope ``(xbar - D) / sigma``, ``xbar = x / sqrt(abar)``, averaged over both ends."""
    end = Symbols(next(level for level in s.level.problem.levels(s.level.schedule) if level.t == s.level.t - 1), euler)
    sigmas = [((1 - abar) / abar) ** 0.5 for abar in (s.abar, end.abar)]
    denoised = [(one.x + (1 - one.abar) * own(one)) / one.abar**0.5 for one in (s, end)]
    slopes = [
        (one.x / one.abar**0.5 - clean) / sigma for one, clean, sigma in zip((s, end), denoised, sigmas, strict=True)
    ]
    return end.abar**0.5 * (s.x / s.abar**0.5 + (sigmas[1] - sigmas[0]) * (slopes[0] + slopes[1]) / 2)


def close(actual: Tensor, expected: Tensor, tolerance: float = 1e-9, what: str = "") -> None:
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance, msg=lambda text: f"{what}\n{text}")


def differ(one: Tensor, other: Tensor) -> bool:
    return float((one - other).norm() / other.norm()) > 1e-3


def build_problem(prior: GaussianMixture, matrix: object, noise: float) -> Problem:
    rows = torch.tensor(matrix, dtype=F64)
    value = rows @ prior.sample(1, torch.Generator().manual_seed(8))[:, 0]
    return Problem.of(prior, Measurement(rows, value + noise, noise))


@pytest.fixture(scope="module")
def mixture(make_mixture: Callable[..., GaussianMixture]) -> GaussianMixture:
    return make_mixture(3, 3, seed=4)


@pytest.fixture(scope="module")
def gaussian(make_mixture: Callable[..., GaussianMixture]) -> GaussianMixture:
    return make_mixture(1, 3, seed=4)


@pytest.fixture
def points(generator: torch.Generator) -> Tensor:
    return torch.randn(3, 9, generator=generator, dtype=F64)


def mean(key: str, level: Level, points: Tensor) -> Tensor:
    return SAMPLERS[key].kernel(level, points).mean


def variants() -> list[Sampler]:
    """Return every sampler of one kernel with every reverse variance, and deterministic ones with other scores."""
    flows = [type(SAMPLERS[key])(score=SAMPLERS[score]) for key in ("ddim", "heun") for score in ("bo-ddnm", "tmpd")]
    return [
        *SINGLE.values(),
        *(
            type(sampler)(variance=variance)
            for sampler in SINGLE.values()
            if isinstance(sampler, StochasticSampler)
            for variance in ("beta", "posterior")
        ),
        *flows,
    ]


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES.keys())
@pytest.mark.parametrize("components", [1, 3])
def test_kernels_match_independent_formulas(
    components: int, matrix: object, make_mixture: Make, points: Tensor
) -> None:
    problem = build_problem(make_mixture(components, 3, seed=4), matrix, 0.3)
    basis = problem.measurement.right_basis
    for level in problem.levels(SCHEDULE):
        for sampler in variants():
            mean, covariance = formula(sampler, level, points)
            kernel = sampler.kernel(level, points)
            close(kernel.mean, mean, what=f"{sampler!r} at t = {level.t}")
            variances = torch.as_tensor(kernel.variance, dtype=F64).expand(3, 1)
            close((basis * variances.mT) @ basis.mT, covariance, 1e-12, f"{sampler!r} at t = {level.t}")


def test_every_sampler_has_an_independent_formula() -> None:
    assert set(SINGLE) == {*SCORES, *BY_DIRECTION, "replacement", "ddnm+", "ddim", "heun"}
    assert set(SAMPLERS) - set(SINGLE) == set(CHAINS)  # see test_chains


@pytest.mark.parametrize("key", ["ddnm+", "replacement"])
def test_ddnm_plus_and_replacement_match_formula_without_noise_or_rank(key: str, mixture: GaussianMixture) -> None:
    for matrix, noise in ((MATRICES["tall of rank 2"], 0.0), ([[0.0, 0.0, 0.0]], 0.3)):
        for level in build_problem(mixture, matrix, noise).levels(SCHEDULE):
            points = torch.randn(3, 5, generator=torch.Generator().manual_seed(level.t), dtype=F64)
            close(SAMPLERS[key].kernel(level, points).mean, formula(SAMPLERS[key], level, points)[0])


@pytest.mark.parametrize("key", SINGLE)
def test_every_sampler_but_dps_is_affine_for_one_gaussian(
    key: str, gaussian: GaussianMixture, mixture: GaussianMixture, points: Tensor
) -> None:
    start, end = points[:, :4], points[:, 4:8]

    def bend(prior: GaussianMixture) -> Tensor:
        level = list(build_problem(prior, MATRICES["wide"], 0.3).levels(SCHEDULE))[6]
        along = mean(key, level, 1.7 * end - 0.7 * start)
        return along - 1.7 * mean(key, level, end) + 0.7 * mean(key, level, start)

    assert (bend(gaussian).abs().max() < 1e-11) == (key != "dps")
    assert bend(mixture).abs().max() > 1e-4


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES.keys())
@pytest.mark.parametrize("other", ["ddnm", "bo-oracle"])
def test_noiseless_bo_ddnm_equals_ddnm_and_oracle(
    matrix: object, other: str, mixture: GaussianMixture, points: Tensor
) -> None:
    # The measured part of x_0 is then known, and so independent of the unmeasured one: true of any mixture.
    for level in build_problem(mixture, matrix, 0.0).levels(SCHEDULE):
        close(mean("bo-ddnm", level, points), mean(other, level, points))
    noisy = list(build_problem(mixture, matrix, 0.3).levels(SCHEDULE))[-3]
    assert differ(mean("bo-ddnm", noisy, points), mean(other, noisy, points))


@pytest.mark.parametrize(("spread", "equal"), [(1e10, True), (1.0, False)])
def test_bo_ddnm_equals_oracle_for_wide_prior_on_range(
    spread: float, equal: bool, points: Tensor, make_mixture: Callable[..., GaussianMixture]
) -> None:
    measurement = build_problem(make_mixture(1, 3, seed=4), MATRICES["wide"], 0.3).measurement
    axes, variances = measurement.right_basis, torch.tensor([spread, spread, 1.0], dtype=F64)
    covariance = (axes * variances) @ axes.mT
    prior = GaussianMixture.from_covariances(torch.ones(1), torch.zeros(1, 3), covariance[None])
    levels = Problem.of(prior, measurement).levels(SCHEDULE)
    gaps = [mean("bo-ddnm", level, points) - mean("bo-oracle", level, points) for level in levels]
    assert bool(torch.stack(gaps).abs().max() < 1e-6) == equal


def test_registering_taken_key_is_rejected() -> None:
    before = dict(SAMPLERS)
    with pytest.raises(ValueError, match="'ddnm' is already registered"):
        register(type(SAMPLERS["ddnm"]))
    assert before == SAMPLERS


def test_a_new_key_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "SAMPLERS", {})

    class Mine(Sampler):
        kind = About("mine", "Mine", "#000000", "", "", "")

        def kernel(self, level: Level, points: Tensor) -> Kernel:
            return Kernel(points, level.variance)

    assert register(Mine) is Mine
    assert isinstance(base.SAMPLERS["mine"], Mine)


# Parameters


@pytest.mark.parametrize("zeta", [0.0, -1.0, 1e4, float("nan"), "much"])
def test_invalid_zeta_is_rejected(zeta: object) -> None:
    with pytest.raises(ValidationError, match="zeta"):
        type(SAMPLERS["dps"])(zeta=zeta)


@pytest.mark.parametrize("setting", [{"zetta": 1.0}, {"variance": "half"}, {"colour": "red"}])
def test_unknown_or_invalid_parameters_are_rejected(setting: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(setting))):
        type(SAMPLERS["dps"])(**setting)


def test_zeta_scales_dps_guidance(mixture: GaussianMixture, points: Tensor) -> None:
    level = next(build_problem(mixture, MATRICES["wide"], 0.3).levels(SCHEDULE))
    free = SAMPLERS["prior"].kernel(level, points).mean
    one, three = (type(SAMPLERS["dps"])(zeta=zeta).kernel(level, points).mean for zeta in (1.0, 3.0))
    close(three - free, 3 * (one - free))


def test_label_lists_parameters_that_differ_from_defaults() -> None:
    dps, ddim = type(SAMPLERS["dps"]), type(SAMPLERS["ddim"])
    assert SAMPLERS["dps"].about == SAMPLERS["dps"].kind
    assert dps(zeta=0.1, variance="beta").about.label == "DPS variance beta ζ 0.1"
    assert ddim(score=SAMPLERS["ddnm"]).about.label == "DDIM · DDNM"
    mine = dps(name="weak", label="Weak", colour="#123456").about
    assert (mine.key, mine.label, mine.colour, mine.formula) == ("weak", "Weak", "#123456", dps.kind.formula)


def test_obstacle_states_why_sampler_cannot_run(mixture: GaussianMixture) -> None:
    unmeasured = Problem.shifted(mixture, mixture.noised(0.9))
    assert {key for key, sampler in SAMPLERS.items() if sampler.obstacle(unmeasured.measurement) is None} == {
        "prior",
        "exact",
        "ddim",
        "heun",
    }
    assert type(SAMPLERS["ddim"])(score=SAMPLERS["ddnm"]).obstacle(unmeasured.measurement) == "needs a measurement"
    noiseless = build_problem(mixture, MATRICES["row"], 0.0)
    assert [key for key, sampler in SAMPLERS.items() if sampler.obstacle(noiseless.measurement)] == ["dps-gauss"]
    assert "noise" in str(SAMPLERS["dps-gauss"].obstacle(noiseless.measurement))


# Labels, sources and colours


def test_every_sampler_has_unique_label_formula_and_source() -> None:
    abouts: list[About] = [sampler.about for sampler in SAMPLERS.values()]
    for name in ("key", "label", "colour"):
        assert len({getattr(about, name) for about in abouts}) == len(abouts)
    assert all(about.formula and about.summary and about.source for about in abouts)
    assert [about.key for about in abouts] == list(SAMPLERS)
    published = [about for about in abouts if about.key != "exact"]
    assert all(re.search(r": .+\. .*(arXiv:\d{4}\.\d{5}|openreview\.net/)", about.source) for about in published)
    for key in ("pigdm", "tmpd", "dps", "dps-gauss", "replacement", "ddnm+", "ddim", "heun"):
        assert SAMPLERS[key].about.assumptions, key
        assert SAMPLERS[key].about.variant, key


VISION = {
    "normal vision": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""Maps of linear RGB that simulate colour vision deficiencies (Machado, Oliveira, Fernandes 2009)."""
XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
PALETTE = {"ddnm", "bo-ddnm", "exact", "bo-oracle", "pigdm", "tmpd", "dps"}
"""Samplers with the purest colours; all other pairs must differ by more."""
LATER = {"ddrm", "diffpir", "daps", "repaint", "pnp-dm", "snips"}
"""Samplers that share what space the others' colours leave."""


def linear(colour: str) -> Tensor:
    channels = torch.tensor([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=F64) / 255
    return torch.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(channels: Tensor) -> Tensor:
    """Return CIELAB of linear RGB, white at D65."""
    ratio = torch.tensor(XYZ, dtype=F64) @ channels.clamp(0, 1) / torch.tensor([0.95047, 1.0, 1.08883])
    x, y, z = torch.where(ratio > 216 / 24389, ratio ** (1 / 3), (24389 / 27 * ratio + 16) / 116)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION.values(), ids=VISION.keys())
def test_sampler_colours_differ_under_colour_vision_deficiencies(vision: object) -> None:
    seen = {key: lab(torch.tensor(vision, dtype=F64) @ linear(SAMPLERS[key].about.colour)) for key in SAMPLERS}
    for one, other in combinations(SAMPLERS, 2):
        least = 10.5 if {one, other} & LATER else 11 if {one, other} <= PALETTE else 14
        assert (seen[one] - seen[other]).norm() > least, (one, other)


@pytest.mark.parametrize("background", ["#1C1F25", "#FFFFFF"])
@pytest.mark.parametrize("key", SAMPLERS)
def test_sampler_colours_contrast_with_both_backgrounds(key: str, background: str) -> None:
    weights = torch.tensor(XYZ[1], dtype=F64)
    dark, light = sorted(float(weights @ linear(colour)) for colour in (background, SAMPLERS[key].about.colour))
    assert (light + 0.05) / (dark + 0.05) > 2.4


@pytest.mark.parametrize("key", ["prior", "ccdf", "ddnm", "bo-ddnm", "exact"])
def test_affine_form_of_score_is_the_score(key: str, make_mixture: Make) -> None:
    prior = make_mixture(3, 3, seed=2)
    measurement = Measurement(torch.tensor(MATRICES["wide"], dtype=F64), torch.tensor([0.3, -0.4], dtype=F64), 0.5)
    sampler, points = SAMPLERS[key], torch.randn(3, 7, generator=torch.Generator().manual_seed(0), dtype=F64)
    assert isinstance(sampler, base.ScoreSampler)
    for level in list(Problem.of(prior, measurement).levels(SCHEDULE))[::4]:
        form = sampler.affine_score(level)
        assert form is not None
        own = (level.target if form.is_of_target else level.prior).score(points)
        found = own if form.factor is None else form.factor @ own
        if form.matrix is not None and form.offset is not None:
            found = found + form.matrix @ points + form.offset.unsqueeze(1)
        torch.testing.assert_close(found, sampler.score(level, points), rtol=1e-10, atol=1e-10)
