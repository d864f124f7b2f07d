"""Closed-form terms of problems far from the origin, against a recursion in 60 digits."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from mpmath import log, mpf, sqrt, workdps

from core.bounds.asymptote import asymptote
from core.bounds.bound_terms import BoundTerms
from core.bounds.closed_form import ClosedFormTerms
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS

STEPS = 100
KEYS = ("prior", "exact", "ddnm", "bo-ddnm")
CASES = {
    "target at a million": (1e6, 1e-2, -1.0, 0.3, 1e6),
    "noiseless": (-1e3, 1e6, -1.0, 0.0, 1e6),
    "wide": (1e6, 1e6, 1.0, 0.3, 1e6),
    "narrow": (1e6, 1e-12, -1.0, 1e-3, -1e6),
    "near": (1.0, 0.5, 2.0, 0.3, 1.5),
}
"""Prior mean, prior variance, H, noise and y of each case."""


def problem(mean: float, variance: float, gain: float, noise: float, value: float) -> Problem:
    """Return a problem with one Gaussian on the line."""
    prior = GaussianMixture.from_covariances(*(torch.tensor(part) for part in ([1.0], [[mean]], [[[variance]]])))
    line = (torch.tensor(part, dtype=torch.float64) for part in ([[gain]], [value]))
    return Problem.of(prior, Measurement(*line, noise))


@workdps(60)
def reference_terms(key: str, case: tuple[float, ...], schedule: Schedule) -> dict[str, float]:
    """Return KL, bound and mismatch at t = 1 by a recursion in 60 digits (theory.md section 3)."""
    m, width_of_prior, h, noise, y = map(mpf, case)
    seen = h * h * width_of_prior + noise**2
    centre = m + width_of_prior * h / seen * (y - h * m)
    spread = width_of_prior * noise**2 / seen
    abar = [mpf(1)]
    for beta in schedule.betas:
        abar.append(abar[-1] * (1 - mpf(beta)))

    def at(t: int) -> tuple[mpf, mpf]:
        return sqrt(abar[t]) * centre, abar[t] * spread + 1 - abar[t]

    def kl(one: tuple[mpf, mpf], other: tuple[mpf, mpf]) -> mpf:
        return (log(other[1] / one[1]) + (one[1] + (one[0] - other[0]) ** 2) / other[1] - 1) / 2

    law, mismatch = (mpf(0), mpf(1)), mpf(0)
    bound = kl(at(STEPS), law)
    for t in range(STEPS, 1, -1):
        beta, (mean, variance) = mpf(schedule.betas[t - 1]), at(t)
        pulls = {
            "prior": (m, abar[t] * width_of_prior + 1 - abar[t]),
            "exact": (centre, variance),
            "ddnm": (y / h, 1 - abar[t]),
            "bo-ddnm": (y / h, 1 - abar[t] + abar[t] * (noise / h) ** 2),
        }
        towards, width = pulls[key]
        slope, constant = -1 / width, sqrt(abar[t]) * towards / width
        gap = -1 / variance - slope, mean / variance - constant
        mismatch += beta / 2 * ((gap[0] * mean + gap[1]) ** 2 + gap[0] ** 2 * variance)
        bound += (-beta / variance - log(1 - beta / variance)) / 2
        root = sqrt(1 - beta)
        step = (1 + beta * slope) / root
        law = step * law[0] + beta * constant / root, step**2 * law[1] + beta / (1 - beta)
    return {"kl": float(kl(at(1), law)), "bound": float(bound + mismatch), "mismatch": float(mismatch)}


@pytest.mark.parametrize("case", CASES)
def test_terms_far_from_origin_match_60_digit_recursion(
    case: str, accumulate_terms: Callable[..., BoundTerms], etc: Callable[[int], Schedule]
) -> None:
    schedule, samplers = etc(STEPS), [SAMPLERS[key] for key in KEYS]
    evidence = accumulate_terms(problem(*CASES[case]), schedule, samplers)
    assert evidence.all_exact
    for index, key in enumerate(KEYS):
        expected = reference_terms(key, CASES[case], schedule)
        near = {"rel": 1e-6, "abs": 1e-9}
        assert float(evidence.kl[index, -2]) == pytest.approx(expected["kl"], **near)
        for name in ("bound", "mismatch"):
            assert float(evidence.value[name][index, -2]) == pytest.approx(expected[name], **near)


def test_sampler_means_are_returned_in_true_coordinates(
    accumulate_terms: Callable[..., BoundTerms], etc: Callable[[int], Schedule]
) -> None:
    far = problem(*CASES["target at a million"])
    evidence = accumulate_terms(far, etc(STEPS), [SAMPLERS["exact"]])
    assert evidence.mean[0, -1] == pytest.approx(far.target.mean.numpy(), rel=1e-7)


def test_uncentred_recursion_loses_digits(etc: Callable[[int], Schedule]) -> None:
    """The broken twin: the recursion without translation to the target's mean."""
    case, schedule = CASES["noiseless"], etc(STEPS)
    there = problem(*case)
    start = SAMPLERS["exact"].start(there.measurement, float(schedule.alpha_bar[-1]))
    view = ClosedFormTerms(there, [SAMPLERS["exact"]], [start], torch.zeros(STEPS + 1, 1, dtype=torch.float64))
    view.start(schedule)
    for t in range(STEPS, 1, -1):
        totals = view.advance(there.level(schedule, [t]))
    wrong = float(totals.kl[0, -1]) / reference_terms("exact", case, schedule)["kl"] - 1
    assert abs(wrong) > 1e-4


def test_asymptote_is_translation_invariant_far_from_origin(etc: Callable[[int], Schedule]) -> None:
    """Compare the asymptote of a problem with that of its translation by 1e6."""
    here = problem(0.0, 0.5, 1.0, 0.3, 0.5)
    there = problem(1e6, 0.5, 1.0, 0.3, 1e6 + 0.5)
    near, far = (asymptote(each, etc(STEPS), SAMPLERS["bo-ddnm"]) for each in (here, there))
    assert near is not None
    assert far is not None
    assert far.value == pytest.approx(near.value, rel=1e-7)
    assert math.isfinite(far.error)
