"""Kinds and texts of the known KL, and the reasons for a missing bound or asymptote."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.kl.known_kl import KnownKL
from core.reporting.words import bound_texts, why_no_bound, why_no_limit
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.scenario.scenario import Scenario

STEPS = 20
TIMES = (20, 10, 1, 0)


def run(samplers: list[str], *, components: int = 2, noise: float = 0.2, finish: bool = True) -> Results:
    experiment = Experiment(
        Scenario.from_dict(
            {
                "prior": {
                    "weights": [1.0] * components,
                    "means": [[-1.0, 0.0], [1.0, 0.5]][:components],
                    "covariances": [[[0.3, 0.1], [0.1, 0.2]]] * components,
                },
                "measurement": {"matrix": [[1.0, 0.3]], "value": [0.4], "noise": noise},
                "schedule": {"steps": STEPS},
                "run": {"samplers": samplers, "particles": 300, "paths": 50, "device": "cpu"},
            }
        ),
        keep_frames=True,
    )
    for _ in experiment.run() if finish else ():
        pass
    return experiment.results


class FixedBracket:
    """A stand-in for a bracket with given limits."""

    def __init__(self, low: float, high: float, reverse: float = math.nan, rounds: int = 1) -> None:
        shape = (1, len(TIMES))
        self.times, self.rounds, self.notes = TIMES, rounds, [[]]
        self.reverse = SimpleNamespace(value=np.full(shape, reverse), error=np.full(shape, 0.01))
        self.low, self.high = np.full(shape, low), np.full(shape, high)
        self.is_reverse = math.isfinite(reverse)

    def limits(self, bound: Any) -> tuple[Any, Any]:
        return self.low, self.high if self.is_reverse else np.fmin(self.high, bound)


@pytest.mark.parametrize(
    ("bracket", "kind", "text", "short"),
    [
        (FixedBracket(0.01, 0.02), "bracket", "0.0100 – 0.0200", "0.010–0.020"),
        (FixedBracket(0.019, 0.02), "bracket", "0.0190 – 0.0200", "0.019–0.020"),
        (FixedBracket(0.0, 0.02), "upper only", "≤ 0.0200", "≤0.020"),
        (FixedBracket(0.0, math.inf, reverse=0.3), "reverse", "0.30 ± 0.01", "≈0.30"),
        (FixedBracket(0.0, 0.02, reverse=0.3), "upper only", "≤ 0.0200", "≤0.020"),
        (FixedBracket(0.0, 0.02, rounds=0), "none", "–", "–"),
        (None, "none", "–", "–"),
    ],
)
def test_kl_kind_and_texts_follow_bracket(bracket: Any, kind: str, text: str, short: str) -> None:
    results = run(["ddnm"])
    results.bracket = bracket
    known = results.kl.at(0, STEPS - 1)
    assert (known.kind, known.text, known.short) == (kind, text, short)


def test_kl_midpoint_may_exceed_estimate_of_its_bound() -> None:
    assert KnownKL("bracket", 295.0, 400.0).exceeds(294.0)
    assert KnownKL("bracket", 290.0, 300.0).exceeds(294.0), "a bracket counts by its midpoint"
    assert not KnownKL("bracket", 200.0, 400.0).exceeds(294.0)
    assert not KnownKL("exact", 295.0, 295.0).exceeds(294.9), "rounding is no error of an estimate"


def test_path_bound_caps_upper_limit_of_kl() -> None:
    results = run(["ddnm"])
    results.bracket = FixedBracket(0.01, math.inf)
    known = results.kl.at(0, STEPS - 1)
    evidence = results.terms
    assert known.high == evidence.value["bound"][0, -2] + 3 * evidence.error["bound"][0, -2]


def test_kl_without_upper_limit_reads_at_least_lower_limit() -> None:
    results = run(["ddim"])
    results.bracket = FixedBracket(0.5, math.inf)
    known = results.kl.at(0, STEPS - 1)
    assert (known.kind, known.text) == ("lower only", "≥ 0.500")
    assert math.isnan(known.value)


def test_one_gaussian_has_exact_kl_at_every_frame() -> None:
    results = run(["ddnm"], components=1)
    for frame in (0, 7, STEPS):
        value = results.terms.kl[0, frame]
        assert results.kl.at(0, frame) == KnownKL("exact", value, value)
        assert results.kl.nearest_frame(frame) == frame


@pytest.mark.parametrize(("frame", "near"), [(0, 0), (4, 0), (6, 10), (18, 19), (19, 19), (20, 20)])
def test_bracket_is_read_at_nearest_frame(frame: int, near: int) -> None:
    results = run(["ddnm"])
    assert results.kl.nearest_frame(frame) == frame
    results.bracket = FixedBracket(0.1, 0.2)
    assert results.kl.nearest_frame(frame) == near


@pytest.mark.parametrize(
    ("sampler", "noise", "frame", "words"),
    [
        ("ddnm", 0.2, STEPS, None),
        ("ddim", 0.2, STEPS - 1, "it adds no noise"),
        ("ddnm", 0.0, STEPS, "the target has no density at t = 0"),
        ("ddnm", 0.0, STEPS - 1, None),
    ],
)
def test_missing_bound_has_a_reason(sampler: str, noise: float, frame: int, words: str | None) -> None:
    found = why_no_bound(run([sampler], noise=noise), 0, frame)
    assert found is None if words is None else words in str(found)


def test_missing_asymptote_has_a_reason() -> None:
    results = run(["ccdf", "ddnm", "ddim"])
    assert why_no_limit(results, 0) is None, "none has been computed yet"
    results.asymptotes = [None, SimpleNamespace(value=1.0, error=0.0), None]
    assert "grows without bound" in str(why_no_limit(results, 0))
    assert why_no_limit(results, 1) is None
    assert "no limit is known" in str(why_no_limit(results, 2))


# Component weights


def test_sampled_weights_are_mean_responsibilities() -> None:
    results = run(["ddnm", "exact"])
    frame = 12
    found = results.weights(frame)
    assert found is not None
    target = results.problem.target.noised(float(results.schedule.alpha_bar[STEPS - frame]))
    for index in range(2):
        membership = target.responsibilities(results.trace.particles(index, frame).double()).of_component
        np.testing.assert_allclose(found.sampled[index], membership.mean(-1))
        np.testing.assert_allclose(found.error[index], membership.std(-1, correction=1) / math.sqrt(300))
    np.testing.assert_array_equal(found.exact, results.problem.target.weights)


def test_weights_are_nan_for_non_finite_particles_and_none_for_singular_target() -> None:
    results = run(["ddnm"], noise=0.0)
    assert results.weights(STEPS) is None
    results.trace.frames[0][5] = math.nan
    found = results.weights(5)
    assert found is not None
    assert np.isnan(found.sampled).all()


@pytest.mark.parametrize(
    ("low", "text"),
    [(200.0, "294 ± 7"), (293.9, "294 ± 7"), (295.0, "295 – 315"), (314.0, "314 – 315"), (316.0, "294 ± 7")],
)
def test_bound_text_never_contradicts_kl_limits(low: float, text: str) -> None:
    """Where the KL's lower limit exceeds the bound's estimate, the text is the range that both allow."""
    results = run(["ddnm"])
    results.terms.value["bound"][0, STEPS - 1], results.terms.error["bound"][0, STEPS - 1] = 294.0, 7.0
    results.bracket = FixedBracket(low, 320.0)
    told = bound_texts(results, 0, STEPS - 1)
    assert told.full == text
    if "–" in text:
        ends = [float(end) for end in told.short.split("–")]
        assert ends[0] <= low
        assert ends[1] >= 315


def test_full_and_short_texts_mark_bound_as_estimate() -> None:
    results = run(["ddnm"])
    results.bracket = None
    for text in bound_texts(results, 0, STEPS - 1):
        assert "±" in text or "≈" in text
