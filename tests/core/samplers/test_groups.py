"""Groups, other names and score evaluations of the samplers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from core.errors import ScenarioError
from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Measurement, Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, About, Kernel, Sampler
from core.samplers.chain import CleanDraw, links_before
from core.samplers.groups import GROUPS, elsewhere, evaluations, found, group_of, grouped
from core.scenario.builtin import load_builtin

F64 = torch.float64
STEPS = 5


def test_every_sampler_of_the_product_is_in_one_group_of_its_own() -> None:
    groups = grouped(SAMPLERS)
    assert sorted(key for members in groups.values() for key in members) == sorted(SAMPLERS)
    assert list(groups) == [title for title in GROUPS.values() if title in groups]
    assert "Yours" not in groups


def test_user_code_is_in_the_users_group_whatever_it_says() -> None:
    class Mine(Sampler):
        kind = About("mine", "Mine", "#000000", "", "", "", group="guidance")

        def kernel(self, level: Level, points: Tensor) -> Kernel:
            return Kernel(points, level.variance)

    assert group_of(Mine()) == "yours"
    assert list(grouped({"mine": Mine()})) == ["Yours"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mmps", ["tmpd"]),
        ("determin", ["ddim", "heun"]),
        ("HEUN", ["heun"]),
        ("guid tm", ["tmpd"]),
        ("nothing of the kind", []),
    ],
)
def test_samplers_are_found_by_label_key_alias_and_group(words: str, expected: list[str]) -> None:
    assert found(SAMPLERS, words) == expected
    assert found(SAMPLERS, "") == list(SAMPLERS)


def test_no_name_belongs_to_two_samplers() -> None:
    names = [name.casefold() for each in SAMPLERS.values() for name in (each.kind.label, *each.kind.aliases)]
    assert len(set(names)) == len(names)


def test_alias_in_a_scenario_is_answered_with_the_key() -> None:
    assert elsewhere("mmps") == "mmps is TMPD here: use 'tmpd'"
    assert elsewhere("DDNM") == "use 'ddnm'"
    assert elsewhere("zzz") == ""
    data = load_builtin("three-components").to_dict()
    data["run"]["samplers"] = ["MMPS"]
    with pytest.raises(ScenarioError, match="MMPS is TMPD here: use 'tmpd'"):
        type(load_builtin("three-components")).from_dict(data)


# Score evaluations


PRIOR = GaussianMixture.from_covariances(
    torch.ones(2) / 2, torch.eye(2, dtype=F64), 0.4 * torch.eye(2, dtype=F64).expand(2, 2, 2)
)


class Counter:
    """Counts evaluations of scores, curvatures and exact draws.

    The level before t = 1 stands for none: steps that are written for many levels at once evaluate scores there, too,
    without any use. They are not counted, and made wrong, so that a step which used one would be seen.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count, self._inside = 0, False
        self._unused: list[object] = []
        previous = Level.previous.func if hasattr(Level.previous, "func") else Level.previous.fget  # type: ignore[attr-defined]

        def marked(level: Level) -> Level:
            before: Level = previous(level)
            self._unused += [before.prior, before.target] if level.t == 1 else []
            return before

        patch.setattr(Level, "previous", property(marked))
        for owner, name in ((GaussianMixture, "score"), (Level, "prior_curvature"), (CleanDraw, "draw")):
            self._watch(patch, owner, name)

    def _watch(self, patch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        original = getattr(owner, name)

        def watched(one: Any, *args: Any) -> Any:
            if any(one is each for each in self._unused):
                return original(one, *args) + 7
            is_outermost, self._inside = not self._inside, True
            self.count += is_outermost
            try:
                return original(one, *args)
            finally:
                self._inside = not is_outermost

        patch.setattr(owner, name, watched)


SETTINGS = [
    *SAMPLERS.values(),
    type(SAMPLERS["daps"])(flow_steps=4),
    type(SAMPLERS["repaint"])(rounds=1),
    type(SAMPLERS["pnp-dm"])(sweeps=3),
    type(SAMPLERS["snips"])(inner_steps=2),
]


def steps_of(sampler: Sampler) -> Iterator[Tensor]:
    """Yield the points after every step of a run without noise."""
    measurement = Measurement(torch.tensor([[1.0, 0.5]], dtype=F64), torch.tensor([0.3], dtype=F64), 0.3)
    points = torch.tensor([[0.3, -1.0], [0.8, 0.1]], dtype=F64)
    levels = Problem.of(PRIOR, measurement).levels(Schedule.exponential_then_constant(STEPS, 2.0, 1e-2))
    for level in levels:
        for link in links_before(sampler, level):
            if isinstance(link, CleanDraw):
                points = link.draw(points, torch.zeros_like(points), torch.full((2,), 0.5, dtype=F64))
            else:
                points = link(points).mean
        points = sampler.kernel(level, points).mean
        yield points


@pytest.mark.parametrize("sampler", SETTINGS, ids=lambda each: each.about.label)
def test_score_evaluations_are_those_of_a_run(sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
    undisturbed = list(steps_of(sampler))
    counter = Counter(monkeypatch)
    run = [(points, counter.count) for points in steps_of(sampler)]
    for (points, _), expected in zip(run, undisturbed, strict=True):
        torch.testing.assert_close(points, expected, rtol=0, atol=0)
    # The oracle takes the score of the target as well, which no sampler of practice has.
    factor = 2 if sampler.kind.key == "bo-oracle" else 1
    assert [count for _, count in run] == [
        factor * sampler.score_evaluations(STEPS, last) for last in reversed(range(STEPS))
    ]


def test_evaluations_in_words() -> None:
    words = {key: evaluations(SAMPLERS[key]) for key in ("ddim", "heun", "repaint")}
    assert words == {"ddim": "1 a step", "heun": "2 a step, 1 fewer in all", "repaint": "10 a step"}
