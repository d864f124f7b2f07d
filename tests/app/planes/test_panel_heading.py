"""The panels' headings: the same quantities in each, with both ends of a bracket and the mark of an estimate."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest
from PySide6.QtWidgets import QWidget

from app.document.document import Document
from app.planes.planes import PlanesWidget
from core.reporting.heading import headings
from core.reporting.words import WITHIN_ERROR
from core.runs.results import Results
from core.scenario.scenario import Scenario
from core.text.number_format import number

Make = Callable[..., Scenario]
Run = Callable[..., Results]
Refine = Callable[[Results], Results]
STEPS = 40
AT_ONE = STEPS - 1


@pytest.fixture
def grid(shown: Callable[..., QWidget], make_scenario: Make) -> PlanesWidget:
    made = PlanesWidget(Document(make_scenario()))
    shown(made, 700, 500)
    return made


@pytest.fixture
def mixture(make_scenario: Make, make_results: Run, refine: Refine) -> Results:
    return refine(make_results(make_scenario(run={"samplers": ["ddnm", "bo-ddnm", "exact"]})))


def words(grid: PlanesWidget) -> list[list[str]]:
    seen = grid.panel_grid.in_view
    return [re.sub(r"<[^>]*>|&nbsp;", " ", plane._headline.text()).split() for plane in seen]


def names(form: Sequence[tuple[str, str]]) -> list[str]:
    return [name for name, _ in form]


@pytest.mark.parametrize("width", [1400, 900, 700, 560, 480, 400, 330])
def test_headings_of_all_panels_name_the_same_quantities(width: int, grid: PlanesWidget, mixture: Results) -> None:
    grid.show_results(mixture)
    grid.write(headings(mixture, AT_ONE, is_playing=False))
    grid.resize(width, 500)
    shown = words(grid)
    assert len({re.sub(r"[\d.]+", "0", " ".join(each)) for each in shown}) == 1
    for plane in grid.panel_grid.in_view:
        assert plane._headline.sizeHint().width() + plane.title.sizeHint().width() <= plane.width()


def test_headings_are_shortened_in_narrow_panels(grid: PlanesWidget, mixture: Results) -> None:
    grid.show_results(mixture)
    grid.write(headings(mixture, AT_ONE, is_playing=False))
    seen = []
    for width in (1400, 700, 560, 400, 330):
        grid.resize(width, 500)
        seen.append(len(words(grid)[1]))
    assert seen == sorted(seen, reverse=True)
    assert seen[0] > seen[-1]


def test_upper_kl_limit_is_rounded_up_in_short_forms(mixture: Results) -> None:
    mixture.bracket.low[:], mixture.bracket.high[:] = 0.0, 0.2213
    heading = headings(mixture, AT_ONE, is_playing=False)[0]
    assert [form[0][1] for form in heading.forms[:4]] == ["≤ 0.221", "≤0.23", "≤0.23", "≤0.23"]


def test_kl_bracket_ends_are_rounded_outwards(mixture: Results) -> None:
    mixture.bracket.low[:], mixture.bracket.high[:] = 0.1497, 0.2213
    assert headings(mixture, AT_ONE, is_playing=False)[0].forms[1][0] == ("KL", "0.14–0.23")


def test_enlarged_panel_has_a_longer_heading(grid: PlanesWidget, mixture: Results) -> None:
    grid.show_results(mixture)
    grid.write(headings(mixture, AT_ONE, is_playing=False))
    together = words(grid)[2]
    grid.enlarge("exact")
    assert len(words(grid)[0]) > len(together)


def test_every_heading_form_keeps_both_bracket_ends_and_marks_estimates(mixture: Results) -> None:
    bracket = mixture.bracket
    bracket.low[:], bracket.high[:] = 0.0331, 0.0813
    bracket.low[2] = 0.0
    for index, heading in enumerate(headings(mixture, AT_ONE, is_playing=False)):
        for form in heading.forms:
            for name, text in form:
                if name == "KL":
                    assert text in ({"≤ 0.0813", "≤0.082"} if index == 2 else {"0.0331 – 0.0813", "0.033–0.082"})
                else:
                    assert "±" in text or "≈" in text


def test_estimate_without_its_error_is_marked_as_approximate(mixture: Results) -> None:
    value = mixture.terms.value["bound"][0, AT_ONE]
    assert headings(mixture, AT_ONE, is_playing=False)[0].forms[2][1] == ("bound", f"≈ {number(value)}")


def test_kl_known_only_at_some_t_is_omitted_during_playback(mixture: Results) -> None:
    for playing in (False, True):
        assert ("KL" in names(headings(mixture, AT_ONE, is_playing=playing)[0].forms[0])) is not playing


def test_exact_kl_of_one_gaussian_is_shown_during_playback(make_scenario: Make, make_results: Run) -> None:
    results = make_results(make_scenario(one=True))
    kl = number(results.terms.kl[0, 30])
    assert headings(results, 30, is_playing=True)[0].forms[0][0] == ("KL", kl)


def test_reversed_kl_and_missing_bound_are_named(make_scenario: Make, make_results: Run, refine: Refine) -> None:
    results = refine(make_results(make_scenario(run={"samplers": ["ddnm", "ddim", "heun"]})))
    for heading in headings(results, AT_ONE, is_playing=False)[1:]:
        assert heading.forms[0] == (("reversed KL", "0.30 ± 0.01"), ("bound", "none"))
        assert heading.forms[2] == (("reversed KL", "≈0.30"), ("bound", "none"))


@pytest.mark.parametrize("part", [0.5, 1.01])
def test_kl_above_the_estimated_bound_is_explained(part: float, mixture: Results) -> None:
    bound = mixture.terms.value["bound"][0, AT_ONE]
    mixture.bracket.low[0], mixture.bracket.high[0] = part * bound, 1.05 * bound
    tip = headings(mixture, AT_ONE, is_playing=False)[0].tip
    assert (WITHIN_ERROR in tip) is (part > 1)


def test_divergence_is_shown_from_its_t_on(mixture: Results) -> None:
    mixture.trace.diverged_at[0] = 7
    assert headings(mixture, STEPS - 8, is_playing=False)[0].diverged_at is None
    assert headings(mixture, STEPS - 7, is_playing=False)[0].diverged_at == 7


def test_panels_are_equally_wide_with_a_long_sampler_label(
    grid: PlanesWidget, make_scenario: Make, make_results: Run
) -> None:
    table = {"ddnm": {"label": "w" * 120}}
    scenario = make_scenario(samplers=table, run={"samplers": ["ddnm", "exact"]})
    grid.show_results(make_results(scenario, 1))
    grid.resize(520, 500)
    widths = [plane.width() for plane in grid.panel_grid.in_view]
    assert max(widths) - min(widths) <= 1
