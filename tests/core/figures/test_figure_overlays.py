"""Overlays in figures: the fields, pairs and weights of the run, with a legend, or a sentence on what is missing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver

from core.diagnostics.score_field import Field, lift
from core.drawing.style import Style
from core.figures.figures import figure, figure_content
from core.geometry.fields import TWINS
from core.geometry.scene import projections
from core.runs.results import Results
from core.snapshot.view import View
from core.text.number_format import percent

from .conftest import made


def panels(drawn: Figure) -> list[Axes]:
    return [axes for axes in drawn.axes if axes.get_xlabel() == "x₁" or axes.images or axes.lines]


def words(drawn: Figure) -> str:
    return "\n".join(text.get_text() for text in drawn.texts)


def test_arrows_and_heat_are_the_mismatch_of_each_sampler(plane: Results) -> None:
    drawn = figure(plane, View(t=3, overlays=("mismatch",)), "panels")
    level = plane.problem.level(plane.schedule, [3]).each()[0]
    projection = projections(plane.problem)[0]
    for axes, sampler in zip(panels(drawn), plane.samplers, strict=False):
        (arrows,) = (each for each in axes.collections if isinstance(each, Quiver))
        points = lift(level, projection.basis, torch.from_numpy(arrows.XY.T.copy()))
        gap = (projection.basis @ Field(level, sampler, points).gap()).numpy()
        across = (arrows.U * gap[1] - arrows.V * gap[0]) / np.hypot(*gap)
        np.testing.assert_allclose(np.asarray(across, dtype=float), 0, atol=1e-9)
        assert (arrows.U * gap[0] + arrows.V * gap[1] > 0).all()
        (heat,) = axes.images
        opacity = np.asarray(heat.get_array())[..., 3]
        assert opacity.max() <= 0.75
        assert opacity.max() > 0 or sampler.kind.key == "exact"
    told = words(drawn)
    assert "nats a step, transparent below" in told
    assert "The longest arrows are" in told
    # Of Exact nothing is left.
    exact = next(axes for axes, each in zip(panels(drawn), plane.samplers, strict=False) if each.kind.key == "exact")
    assert np.asarray(exact.images[0].get_array())[..., 3].max() == 0
    figure_content(drawn, ".pdf", Style())


def test_twins_and_weights_are_those_of_the_run(plane: Results) -> None:
    view = View(t=1, overlays=("twins", "weights", "used", "exact"), enlarged="mine")
    drawn = figure(plane, view, "panel", Style("dark", 84.0))
    axes = panels(drawn)[0]
    ours, exact = (plane.trace.particles(index, 9, TWINS).numpy() for index in (0, 2))
    ends = [np.asarray(line.get_xydata()) for line in axes.lines]
    pairs = next(line for line in ends if len(line) == 3 * ours.shape[1])
    basis = projections(plane.problem)[0]
    np.testing.assert_allclose(pairs[0::3].T, basis.points(torch.from_numpy(ours)), rtol=1e-6)
    np.testing.assert_allclose(pairs[1::3].T, basis.points(torch.from_numpy(exact)), rtol=1e-6)
    weights = plane.weights(9)
    assert weights is not None
    said = [text.get_text() for text in axes.texts]
    for component in range(2):
        part = percent(float(weights.exact[component])).removesuffix(" %")
        assert f"{part} · {percent(float(weights.sampled[0, component]))}" in said
    assert sum(isinstance(each, Quiver) for each in axes.collections) == 2
    assert "Exact’s particle with the same noise" in words(drawn)


def test_a_line_has_its_overlays_too(line: Results) -> None:
    drawn = figure(line, View(t=2, overlays=("mismatch", "weights", "twins")), "panels")
    assert any(isinstance(each, Quiver) for axes in drawn.axes for each in axes.collections)
    assert any("·" in text.get_text() for axes in drawn.axes for text in axes.texts)


def test_what_cannot_be_drawn_is_said(plane: Results) -> None:
    shown = View(t=0, overlays=("mismatch", "weights"))
    assert "No field of scores at t = 0, since no step follows." in words(figure(plane, shown, "panels")).replace(
        "\n", " "
    )
    alone = made(run={"samplers": ["ddnm"], "particles": 20, "paths": 5, "kl_rounds": 0, "device": "cpu"})
    assert "since Exact does not run" in words(figure(alone, View(t=1, overlays=("twins",)), "panels"))


@pytest.mark.parametrize("look", ["paper", "dark"])
def test_equal_views_are_equal_files(plane: Results, look: str) -> None:
    style = Style(look)  # type: ignore[arg-type]
    view = View(t=3, overlays=("mismatch", "weights", "twins"))
    one, two = (figure_content(figure(plane, view, "panels", style), ".svg", style, dpi=72) for _ in range(2))
    assert one == two
