"""Texts, signs and layout of the figures of studies."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from core.drawing.style import COLUMN, INCH, Style
from core.studies.metrics import Measured, columns
from core.studies.study import Study
from core.studies.study_figure import study_figure, study_figure_files
from core.studies.study_panels import label_text
from core.studies.summary import Point, Table, summarise
from tests.nasty import NASTY

NOISE = {"knob": "noise", "values": [0.1, 0.2, 0.4, 0.8]}
ANGLE = {"knob": "angle", "values": [0.0, 30.0, 60.0]}

Value = Callable[[int, str, tuple[Any, ...]], Point | None]


def value(number: float, error: float = 0.0, kind: Any = "exact") -> Point:
    return summarise([Measured.of(number, error, kind)])


def limits(low: float, high: float) -> Point:
    return summarise([Measured((low + high) / 2, math.nan, low, high, "bracket")])


def study(*axes: dict[str, Any], **sections: Any) -> Study:
    given = {"name": "Figure", "base": "one-gaussian", "samplers": ["ddnm", "bo-ddnm", "exact"], "axes": axes}
    return Study.from_dict(given | {"metrics": ["kl", "bound"]} | sections).fixed()


def table(of: Study, each: Value) -> Table:
    found: Table = {}
    for index, key in enumerate(of.abouts()):
        for column in columns(of.metrics):
            points = {
                cell.place: point for cell in of.cells() if (point := each(index, column, cell.place)) is not None
            }
            found.setdefault(key, {})[column] = points
    return found


def growing(index: int, _column: str, place: tuple[Any, ...]) -> Point:
    return value((index + 1) * (1 + sum(map(float, place))))


def panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.get_label() != "colour bar"]


def bars(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.get_label() == "colour bar"]


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in panels(figure)]


def headings(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts[2:]]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for found in figure.legends for text in found.get_texts()]


def ticks(axes: Axes) -> list[str]:
    return list(axes.xaxis.get_major_formatter().seq)  # type: ignore[attr-defined]


def test_curves_are_named_at_their_ends_and_axes_are_typeset() -> None:
    one = study(NOISE)
    figure = study_figure(one, table(one, growing))
    assert titles(figure) == ["KL(Q‖P), nats", "bound, nats"]
    for axes in panels(figure):
        assert texts(axes) == [about.label for about in one.abouts().values()]
        assert axes.get_xlabel() == r"$\mathrm{σ}_{\mathrm{y}}$"
        assert ticks(axes) == ["0.2", "0.4", "0.6", "0.8"]
    assert legend(figure) == []


def test_names_at_the_ends_of_lines_do_not_overlap() -> None:
    one = study(NOISE, samplers=["ddnm", "bo-ddnm", "exact", "tmpd", "pigdm", "dps"], metrics=["kl"])
    figure = study_figure(one, table(one, lambda index, *_: value(1 + 1e-3 * index)))
    (axes,) = panels(figure)
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = sorted((text.get_window_extent(renderer) for text in axes.texts), key=lambda box: box.y0)
    assert len(boxes) == 6
    assert all(upper.y0 >= lower.y1 - 1 for lower, upper in pairwise(boxes))
    assert all(box.x1 <= figure.bbox.x1 for box in boxes)


def test_maps_have_a_heading_the_samplers_names_and_one_colour_bar_a_metric() -> None:
    one = study(NOISE, ANGLE)
    figure = study_figure(one, table(one, growing))
    assert headings(figure) == ["KL(Q‖P), nats", "bound, nats"]
    names = [about.label for about in one.abouts().values()]
    assert titles(figure) == [*names, "smallest KL(Q‖P)", *names, "smallest bound"]
    assert len(bars(figure)) == 2
    assert legend(figure) == [*names, "none is clearly best"]
    axes = panels(figure)[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (r"$\mathrm{σ}_{\mathrm{y}}$", "angle of H, degrees")
    assert texts(axes), "contour lines have their values"


def test_maps_without_rows_say_so_and_have_no_colour_bar() -> None:
    one = study(NOISE, ANGLE)
    figure = study_figure(one, {})
    assert {*(text for axes in panels(figure) for text in texts(axes))} == {"no rows yet"}
    assert bars(figure) == []
    nothing = study_figure(one, table(one, lambda *_: value(math.nan)))
    assert {*(text for axes in panels(nothing) for text in texts(axes))} == {"unknown"}
    assert "unknown" in legend(nothing)


def test_without_axes_samplers_are_named_at_the_side() -> None:
    one = study(metrics=["kl", "coverage", "ranks"], replicates={"count": 20, "vary": "value"})
    figure = study_figure(one, table(one, lambda index, *_: value(0.1 + 0.2 * index)))
    kl, coverage, *ranks = panels(figure)
    names = [about.label for about in one.abouts().values()]
    assert list(kl.yaxis.get_major_formatter().seq) == names  # type: ignore[attr-defined]
    assert (kl.get_title(loc="left"), coverage.get_title(loc="left")) == (
        "KL(Q‖P), nats",
        "coverage of central intervals",
    )
    assert headings(figure) == ["rank of x along a direction", "rank of the density at x"]
    assert [axes.get_title(loc="left") for axes in ranks] == [*names, *names]
    assert "uniform ranks, 95 %" in legend(figure)


def test_legend_explains_the_signs_that_are_used() -> None:
    one = study(NOISE, metrics=["kl"])
    kinds = [value(1.0, 0.1, "estimate"), limits(0.5, math.inf), value(math.nan)]
    figure = study_figure(one, table(one, lambda index, *_: kinds[index]))
    assert legend(figure) == [
        "95 % interval",
        "between the limits of a bracket",
        "beyond the axis, or no limit",
        "unknown",
    ]


def test_subtitle_says_what_intervals_are() -> None:
    one = study(NOISE, replicates={"count": 5, "vary": "value"})
    assert study_figure(one, {}).texts[1].get_text() == "at t = 1, means over 5 draws of y with 95 % intervals"


@pytest.mark.parametrize("axes", [[NOISE], [NOISE, ANGLE], []], ids=["curves", "maps", "dots"])
def test_titles_end_within_their_panels(axes: list[dict[str, Any]]) -> None:
    names = {name: {"label": f"a very long name of a sampler, {name}, that fits nowhere"} for name in ("ddnm", "exact")}
    one = study(*axes, changes={"samplers": names}, metrics=["kl", "mismatch_null", "coverage"])
    figure = study_figure(one, table(one, growing))
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    found = [(axes.get_position(), axes._left_title.get_window_extent(renderer)) for axes in panels(figure)]  # type: ignore[attr-defined]
    for (place, box), (next_place, next_box) in pairwise(found):
        assert box.x1 <= figure.bbox.x1
        assert box.x1 <= next_box.x0 or place.y0 > next_place.y0


@pytest.mark.parametrize("name", NASTY)
def test_names_are_drawn_as_text(name: str) -> None:
    every = ([NOISE], [NOISE, ANGLE], []) if "$" in name else ([NOISE],)
    for axes in every:
        one = study(*axes, name=name, changes={"samplers": {"ddnm": {"label": name}}}, metrics=["kl"])
        assert study_figure_files(one, table(one, growing), ["svg"])["svg"].startswith(b"<?xml")


@pytest.mark.parametrize("number", [0.0, 1e-300, 1e300, -1e300, math.inf])
def test_extreme_values_are_drawn(number: float) -> None:
    for axes, metrics in (([NOISE], ["kl", "mmd"]), ([NOISE, ANGLE], ["mmd"]), ([], ["kl"])):
        one = study(*axes, samplers=["ddnm", "exact"], metrics=metrics)
        odd = table(one, lambda index, *_: value(number if index else 1.0, 0.1, "estimate"))
        assert study_figure_files(one, odd, ["png"])["png"]


@pytest.mark.parametrize(
    ("label", "text"),
    [("σ_y", r"$\mathrm{σ}_{\mathrm{y}}$"), ("run.kl_rounds", "run.kl_rounds"), ("$x$_y", r"\$x\$_y")],
)
def test_labels_are_typeset_only_where_they_are_ours(label: str, text: str) -> None:
    assert label_text(label) == text


def test_optimum_of_a_samplers_parameter_has_a_tick_with_its_value() -> None:
    one = study({"knob": "samplers.dps.zeta", "values": [0.1, 0.3, 1.0]}, samplers=["dps", "exact"], metrics=["kl"])
    figure = study_figure(one, table(one, lambda index, _, place: value(2 if index else 1 + abs(place[0] - 0.3))))
    (axes,) = panels(figure)
    assert [text for text in texts(axes) if "(" in text] == ["0.3 (0.1–1)"]
    assert legend(figure) == ["best of a sampler's measured values (those beside it)"]
    other = study(NOISE, metrics=["kl"])
    assert legend(study_figure(other, table(other, growing))) == []


@pytest.mark.parametrize("width", [COLUMN, 174.0])
def test_figure_has_the_width_and_colours_of_its_style(width: float) -> None:
    of = study(NOISE, ANGLE)
    drawn = study_figure(of, table(of, growing), Style("dark", width, serif=True, points=8))
    assert drawn.get_size_inches()[0] == pytest.approx(width / INCH)
    assert to_hex(drawn.get_facecolor()) == "#1c1f25"
    lefts = {round(axes.get_position().x0, 3) for axes in panels(drawn)}
    assert len(lefts) == (1 if width == COLUMN else 2), "panels beside each other"
    assert {label.get_fontsize() for axes in panels(drawn) for label in axes.get_xticklabels()} == {8}
