"""Figures of a run: what they draw, at both column widths, without clipped or overlapping text."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from core.drawing.palette import contrast
from core.drawing.style import COLUMN, TEXT, Style
from core.errors import ScenarioError
from core.figures.figures import WHAT, figure, shown_frame
from core.runs.results import Results
from core.snapshot.view import View


def faults(drawn: Figure) -> list[str]:
    """Return the texts that leave the page, and the pairs that overlap."""
    drawn.canvas.draw()
    renderer = drawn.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = []
    ticks = set()
    for axes in drawn.axes:
        for side in (axes.xaxis, axes.yaxis):
            inside = side.findobj(Text)
            ticks |= {text for text in inside if text is not side.label}
            shown = side._update_ticks()  # type: ignore[attr-defined]
            boxes += [tick.label1 for tick in shown if tick.label1.get_visible() and tick.label1.get_text()]
    boxes += [
        text for text in drawn.findobj(Text) if text not in ticks and text.get_visible() and text.get_text().strip()
    ]
    placed = [(text.get_text(), text.get_window_extent(renderer)) for text in boxes]
    whole, slack = drawn.bbox, 2 / 72 * drawn.dpi
    outside = [f"{text} is cut" for text, box in placed if box.x0 < -1 or box.y0 < -1 or box.x1 > whole.width + 1]
    covered = [
        f"{one} / {other}"
        for (one, a), (other, b) in combinations(placed, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > slack and min(a.y1, b.y1) - max(a.y0, b.y0) > slack
    ]
    return [*outside, *covered]


@pytest.mark.parametrize("width", [COLUMN, TEXT])
@pytest.mark.parametrize("kind", ["plane", "line"])
def test_no_text_is_cut_or_overlaps(kind: str, width: float, request: pytest.FixtureRequest) -> None:
    results = request.getfixturevalue(kind)
    view = View(t=4, overlays=("target", "trails", "law", "ratio"))
    for what in WHAT:
        assert not faults(figure(results, view, what, Style("paper", width))), what
    assert not faults(figure(results, view, "page", Style("light", title=True, serif=True)))


def test_overlapping_text_is_found(plane: Results) -> None:
    drawn = figure(plane, View(t=4), "table", Style("paper", COLUMN))
    drawn.text(0.02, 0.5, "a line of text over the table")
    assert faults(drawn)


def test_every_sampler_has_a_panel_with_its_numbers_in_legible_colours(space: Results) -> None:
    drawn = figure(space, View(t=1, plane="measured, unmeasured"), "panels", Style("dark"))
    assert len(drawn.axes) == 2
    assert drawn.axes[0].get_ylabel() == "v₂ (unmeasured)"
    words = [text.get_text() for text in drawn.texts]
    assert {"KL ", "reversed KL ", "bound "} <= set(words)
    assert space.kl.at(0, 9).text in words
    for text in drawn.texts:
        assert contrast(str(text.get_color()), Style("dark").surface) >= 4.4, text.get_text()


def test_view_chooses_plane_part_and_sampler(plane: Results) -> None:
    view = View(t=4, enlarged="exact", extent=(-1.0, 1.0, -0.5, 1.5))
    (axes,) = figure(plane, view, "panels", Style("paper", COLUMN)).axes
    assert np.ptp(axes.get_xlim()) >= 2.0
    assert np.ptp(axes.get_ylim()) >= 2.0
    with pytest.raises(ScenarioError, match="no sampler 'exac'; did you mean 'exact'"):
        figure(plane, View(t=4, enlarged="exac"), "panel")


def test_headline_names_the_kinds_of_kl_and_follows_the_axes(space: Results, plane: Results) -> None:
    words = [text.get_text() for text in figure(plane, View(t=4), "headline").texts]
    assert "KL(Q‖P), computed" in words
    drawn = figure(space, View(t=4, time_axis="log t", logarithmic=False), "headline", Style("paper", TEXT))
    (axes,) = drawn.axes
    assert axes.get_yscale() == "linear"
    assert axes.get_xlabel() == "reverse time t (axis in log t)"
    words = [text.get_text() for text in drawn.texts]
    assert "KL(Q‖P), limits" in words
    assert "KL(P‖Q), reversed, ± 2 s.e." in words
    left, right = axes.get_xlim()
    assert left > right, "from T on the left to 0"


def test_curves_of_the_headline_plot_are_the_results(plane: Results) -> None:
    (axes,) = figure(plane, View(t=1), "headline", Style("paper", TEXT)).axes
    colour = plane.samplers[0].about.colour
    mismatch = plane.terms.value["mismatch"][0]
    drawn = [
        line.get_ydata() for line in axes.get_lines() if line.get_color() == colour and len(line.get_ydata()) == 11
    ]
    assert any(np.allclose(np.nan_to_num(each), np.nan_to_num(mismatch)) for each in drawn)


def test_frame_of_a_view(plane: Results) -> None:
    assert shown_frame(plane, View()) == 10
    assert shown_frame(plane, View(t=4)) == 6
    with pytest.raises(ScenarioError, match="must be at most T = 10"):
        shown_frame(plane, View(t=11))


def test_diverged_sampler_has_a_notice_in_place_of_its_particles(
    plane: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plane.trace, "diverged_at", [7, None, None])
    words = [text.get_text().replace("\n", " ") for text in figure(plane, View(t=4), "panels").findobj(Text)]
    assert "Diverged at t = 7: its particles are far beyond the scale of the problem." in words
    assert not any("Diverged" in text.get_text() for text in figure(plane, View(t=8), "panels").findobj(Text))


def test_curves_beyond_the_axis_are_named(plane: Results) -> None:
    drawn = figure(plane, View(), "headline", Style("paper", 300.0))
    said = " ".join(text.get_text() for text in drawn.texts)
    assert "Zero, or below the axis: " in said
    assert "Exact (mismatch, observed mismatch, mismatch as T → ∞)." in said
    assert "below the axis" not in " ".join(
        text.get_text() for text in figure(plane, View(logarithmic=False), "headline").texts
    )
