from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from core.problem.problem import Level
from core.runs.experiment import run
from core.studies.measure import Row, measure
from core.studies.study import Study


def rows_of(study: Study) -> dict[tuple[str, str], Row]:
    outcome = measure(study, next(study.cells()))
    assert not outcome.reason
    return {(row.sampler, row.column): row for row in outcome.rows}


def test_particles_do_not_depend_on_what_else_is_measured(make_study: Callable[..., Study]) -> None:
    alone = rows_of(make_study(metrics=["sliced_w1"]))
    among = rows_of(make_study(metrics=["sliced_w1", "observed", "bound", "w2"]))
    assert alone
    assert all(among[key] == row for key, row in alone.items())
    assert any(row.measured.value > 0 for (_, column), row in among.items() if column == "observed")


def test_target_score_is_not_evaluated_where_no_metric_needs_it(
    make_study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("evaluated the target's score")

    study = make_study(metrics=["sliced_w1", "diverged"], samplers=["ddnm"])
    monkeypatch.setattr(Level, "target_score", refuse)
    assert rows_of(study)


@pytest.mark.parametrize("at", [0, 1])
def test_kl_is_that_of_a_whole_run_though_one_t_is_examined(make_study: Callable[..., Study], at: int) -> None:
    samplers = ["replacement", "dps-gauss", "ddnm"]
    study = make_study(metrics=["kl"], samplers=samplers, axes=[{"knob": "noise", "values": [0.001]}], at=at)
    whole = run(study.posed(next(study.cells())), refine=False)
    kls = [whole.kl.at(row, whole.frame(at)) for row in range(len(samplers))]
    found = [row.measured for row in rows_of(study).values()]
    assert [each.kind for each in found] == ["unknown" if kl.kind == "none" else kl.kind for kl in kls]
    assert [each.value for each in found] == pytest.approx([kl.low for kl in kls], nan_ok=True)
    assert (found[0].value == math.inf) == (at == 0)
