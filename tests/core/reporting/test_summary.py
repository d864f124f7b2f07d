"""The summary sentence of a run for each state of its samplers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from core.diagnostics.sample_metrics import Distance
from core.kl.knowledge import KLKnowledge
from core.kl.known_kl import KnownKL
from core.reporting.summary import PARTS, Context, SamplerSummary, describe, summarise
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.scenario.scenario import Scenario

AT_ONE = Context(t=1, steps=300)


def summary_of(label: str, parts: tuple[float, ...], **rest: float) -> SamplerSummary:
    """Return a sampler's summary whose bound is the sum of the parts."""
    return SamplerSummary(label, rest.pop("bound", sum(parts)), dict(zip(PARTS, parts, strict=True)), **rest)


DDNM = summary_of("DDNM", (0.0, 0.7, 0.0, 35.0, 0.3), error=0.5)
BO = summary_of("BO-DDNM", (0.0, 0.7, 0.0, 0.7, 0.2), error=0.01)
EXACT = summary_of("Exact", (0.0, 0.7, 0.0, 0.0, 0.0), error=0.01)
DDIM = summary_of("DDIM", (0.0, 0.7, math.inf, math.inf, math.inf))
LIMITED = "DDNM: 97 % of its bound is mismatch in the measured direction"


@pytest.mark.parametrize(
    ("summaries", "context", "sentence"),
    [
        ([], AT_ONE, "The terms at this t are still being computed."),
        ([DDNM, BO, EXACT], AT_ONE, f"{LIMITED}; BO-DDNM removes nearly all of it (bound 36.0 → 1.60)."),
        ([DDNM, EXACT], AT_ONE, f"{LIMITED}; Exact removes nearly all of it (bound 36.0 → 0.700)."),
        ([DDNM], AT_ONE, "DDNM: 97 % of its bound of 36.0 is mismatch in the measured direction."),
        ([EXACT], AT_ONE, "Exact: 100 % of its bound of 0.700 is discretisation, which decreases with more steps."),
        (
            [
                summary_of("DDNM", (0, 0.7, 0, 35, 0.3), kl=15.3),
                summary_of("BO-DDNM", (0, 0.7, 0, 0.7, 0.2), kl=0.0094),
            ],
            AT_ONE,
            f"{LIMITED}; BO-DDNM removes nearly all of it (bound 36.0 → 1.60, KL 15.3 → 0.00940).",
        ),
        (
            [summary_of("DDNM", (0, 0.7, 0, 35, 0.3), kl=15.3)],
            AT_ONE,
            "DDNM: 97 % of its bound of 36.0 is mismatch in the measured direction. Its KL is 15.3.",
        ),
        (
            [DDNM, summary_of("DDNM+", (0, 0.7, 0, 10, 0.3))],
            AT_ONE,
            f"{LIMITED}; DDNM+ removes most of it (bound 36.0 → 11.0).",
        ),
        (
            [DDNM, summary_of("DDNM+", (0, 0.7, 0, 25, 0.3))],
            AT_ONE,
            f"{LIMITED}; DDNM+ removes some of it (bound 36.0 → 26.0).",
        ),
        (
            [DDNM, summary_of("DDNM+", (0, 0.2, 0, 34.2, 0.3), error=0.5)],
            AT_ONE,
            f"{LIMITED}; DDNM+ does no better (bound 36.0 → 34.7).",
        ),
        (
            [summary_of("A", (0, 5, 0, 20, 0)), summary_of("B", (0, 1, 0, 20, 0))],
            AT_ONE,
            "A: 80 % of its bound is mismatch in the measured direction; B improves other terms (bound 25.0 → 21.0).",
        ),
        ([DDNM, replace(DDNM)], AT_ONE, f"{LIMITED}; DDNM does no better (bound 36.0)."),
        (
            [DDNM, DDIM],
            AT_ONE,
            "DDNM: 97 % of its bound of 36.0 is mismatch in the measured direction. No finite bound: DDIM.",
        ),
        ([DDIM], AT_ONE, "No finite bound: DDIM."),
        (
            [summary_of("DPS", (0, 0.5, 0, 0, 99.5), diverged_at=23), EXACT],
            AT_ONE,
            "DPS: >99 % of its bound is mismatch in the unmeasured direction; Exact removes nearly all of it "
            "(bound 100 → 0.700). Diverged: DPS at t = 23.",
        ),
        (
            [summary_of("Prior", (0, 0.5, 0, 0, 1.5))],
            Context(1, 300, measured=0, unmeasured=2),
            "Prior: 75 % of its bound of 2.00 is mismatch, since the prior's score is used in place of the target's.",
        ),
        (
            [summary_of("DDNM", (0, 0.5, 0, 1.5, 0))],
            Context(1, 300, measured=2),
            "DDNM: 75 % of its bound of 2.00 is mismatch in the measured directions.",
        ),
        (
            [summary_of(name, (0, 0.183, 0, 0, part)) for name, part in (("A", 0.0), ("B", 0.001), ("C", 0.0))],
            AT_ONE,
            "All bounds are nearly equal (0.184): 99 % of each is discretisation, which decreases with more steps.",
        ),
        (
            [summary_of("A", (0, 0.8, 0, 0.16, 0)), summary_of("B", (0, 0.8, 0, 0, 0.16)), EXACT],
            AT_ONE,
            "A, B: 83 % of their bounds of 0.960 is discretisation, which decreases with more steps.",
        ),
        (
            [summary_of("A", (0, 0.8, 0, 0.16, 0)), summary_of("B", (0, 0.8, 0, 0, 0.05)), DDIM],
            AT_ONE,
            "A: 83 % of its bound of 0.960 is discretisation, which decreases with more steps. No finite bound: DDIM.",
        ),
        (
            [summary_of("A", (0.5, 0.1, 0, 0, 0))],
            AT_ONE,
            "A: 83 % of its bound of 0.600 is initialisation, the start from N(0, I).",
        ),
        (
            [summary_of("A", (0, 0.1, 0.5, 0, 0))],
            AT_ONE,
            "A: 83 % of its bound of 0.600 is its step variance.",
        ),
        (
            [summary_of("A", (0.1, 0, 0, 0, 0))],
            Context(300, 300),
            "At t = 300 every bound is the initialisation term alone, 0.100.",
        ),
        ([summary_of("A", (0, 0, 0, 0, 0))], AT_ONE, "Every bound is zero at this t."),
        (
            [summary_of("A", (0, math.inf, 0, 1, 0))],
            Context(0, 300, singular=True),
            "At t = 0 the target has no density, so KL and bound are infinite; see t = 1.",
        ),
    ],
)
def test_summary_sentence_for_each_state(summaries: list[SamplerSummary], context: Context, sentence: str) -> None:
    assert describe(summaries, context) == sentence


def small(components: int = 1) -> Experiment:
    prior = {"weights": [1.0, 0.5], "means": [[0.5, -0.3], [0.9, 2.0]], "covariances": [[[1.0, 0.6], [0.6, 1.0]]] * 2}
    scenario = Scenario.from_dict(
        {
            "prior": {name: rows[:components] for name, rows in prior.items()},
            "measurement": {"matrix": [[1.0, 0.0]], "value": [1.2], "noise": 0.1},
            "schedule": {"steps": 150},
            "run": {"samplers": ["ddnm", "bo-ddnm"], "particles": 50, "paths": 50, "kl_rounds": 0, "device": "cpu"},
        }
    )
    return Experiment(scenario, keep_frames=True)


def test_summary_follows_progress_of_run() -> None:
    experiment = small()
    results = experiment.results
    assert "still being computed" in summarise(results, 149)
    for _ in experiment.run():
        pass
    words = summarise(results, 149)
    assert words.startswith("DDNM: ")
    assert "mismatch in the measured direction" in words
    assert "KL" in words


@pytest.mark.parametrize(("part", "is_said"), [(0.98, True), (1.01, False)])
def test_summary_omits_kl_above_its_estimated_bound(
    part: float, is_said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = small()
    results = experiment.results
    for _ in experiment.run():
        pass

    def told(_: KLKnowledge, index: int, frame: int) -> KnownKL:
        kl = part * float(results.terms.value["bound"][index, frame])
        return KnownKL("bracket", kl, kl)

    monkeypatch.setattr(KLKnowledge, "at", told)
    words, apology = summarise(results, 149), "’s KL and bound agree within the bound’s error."
    assert (apology in words) is not is_said
    assert ("KL" in words.replace(f"DDNM{apology}", "").replace(f"BO-DDNM{apology}", "")) is is_said


def told(*kls: KnownKL) -> Callable[[KLKnowledge, int, int], KnownKL]:
    return lambda _, index, __: kls[index]


def with_bounds(results: Results, *bounds: float) -> Results:
    for index, bound in enumerate(bounds):
        results.terms.value["bound"][index, :] = bound
    return results


@pytest.mark.parametrize(
    ("first", "second", "is_said"),
    [
        (KnownKL("bracket", 2.0, 3.0), KnownKL("bracket", 0.5, 0.9), True),
        (KnownKL("exact", 2.0, 2.0), KnownKL("upper only", 0.0, 0.9), True),
        (KnownKL("bracket", 0.8, 3.0), KnownKL("bracket", 0.5, 0.9), False),
        (KnownKL("bracket", 0.1, 0.2), KnownKL("bracket", 0.5, 0.9), False),
        (KnownKL("none", math.nan, math.nan), KnownKL("bracket", 0.5, 0.9), False),
        (KnownKL("reverse", 2.0, 2.0), KnownKL("bracket", 0.5, 0.9), False),
    ],
)
def test_summary_ranks_by_kl_where_bounds_disagree(
    first: KnownKL, second: KnownKL, is_said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first sampler has the smaller bound and, where a sentence is expected, the larger KL."""
    experiment = small()
    results = experiment.results
    for _ in experiment.run():
        pass
    monkeypatch.setattr(KLKnowledge, "at", told(first, second))
    words = summarise(with_bounds(results, 5.0, 50.0), 149)
    assert ("The KL of DDNM (2.00" in words) is is_said
    assert ("is larger than that of BO-DDNM" in words) is is_said


@pytest.mark.parametrize(
    ("distance", "is_said"),
    [
        (Distance(0.125, 0.007, 0.01), True),
        (Distance(0.04, 0.001, 0.001), False),
        (Distance(0.125, 0.05, 0.01), False),
        (Distance(0.125, 0.007, 0.08), False),
        (Distance(math.nan, math.nan, math.nan), False),
    ],
)
def test_summary_reports_significantly_wrong_component_weights(distance: Distance, is_said: bool) -> None:
    experiment = small(2)
    results = experiment.results
    for _ in experiment.run():
        pass
    for _ in experiment.refine():
        pass
    results.metrics[1] = [replace(each, weights_error=distance) for each in results.metrics[1]]
    assert (
        "Error of the component weights at t = 1 (total variation): DDNM 0.12" in summarise(results, 149)
    ) is is_said
    assert "component weights" not in summarise(results, 100), "they are known at t = 1 only"
