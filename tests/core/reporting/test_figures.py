"""Layout of figures: no clipped or overlapping text, and every curve ends inside its axes."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from core.drawing.layout import keep_inside, page
from core.kl.known_kl import KnownKL
from core.reporting.figure import evidence_figure
from core.reporting.findings import Findings, findings
from core.runs.experiment import Experiment
from core.scenario.scenario import Scenario
from core.studies.sweep import Sweep
from core.studies.sweep_figure import sweep_figure

NAMES = ("DDNM", "a label of more than twenty-four letters", "TMPD $x$", "漢字 & <b>", "x", "PiGDM")


def scenario(samplers: list[str]) -> Scenario:
    return Scenario.from_dict(
        {
            "name": "A title that is as long as the titles of scenarios are allowed to be in files, and $ in it",
            "prior": {"weights": [1.0], "means": [[-1.0, 0.5]], "covariances": [[[0.5, 0.1], [0.1, 0.3]]]},
            "measurement": {"matrix": [[1.0, 0.5]], "noise": 0.3, "value": [0.2]},
            "schedule": {"steps": 12},
            "run": {"samplers": samplers, "particles": 20, "paths": 20, "kl_rounds": 0, "device": "cpu"},
        }
    )


@pytest.fixture(scope="module")
def one() -> Findings:
    experiment = Experiment(scenario(["ddnm"]), keep_frames=False)
    for _ in experiment.run():
        pass
    return findings(experiment.results)[0]


def scaled(one: Findings, name: str, scale: float, *, bracket: bool) -> Findings:
    """Return the findings under another name and with scaled numbers."""
    value = {key: scale * column for key, column in one.value.items()}
    entry = {"kind": "bracket", "lower": 1.17e2 * scale, "upper": 1.3e2 * scale}
    found: dict[str, Any] = {"value": value, "about": replace(one.about, label=name)}
    if bracket:
        found |= {"kl": {1: entry}, "headline": KnownKL("bracket", entry["lower"], entry["upper"])}
    return replace(one, **found)


def texts(figure: Figure) -> list[tuple[str, Bbox]]:
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    axes = [axis for one in figure.axes for axis in (one.xaxis, one.yaxis)]
    every_tick = {text for axis in axes for text in axis.findobj(Text) if text is not axis.label}
    ticks = [tick.label1 for axis in axes for tick in axis._update_ticks()]  # type: ignore[attr-defined]
    others = [text for text in figure.findobj(Text) if text not in every_tick]
    drawn = [item for item in [*ticks, *others] if item.get_visible() and item.get_text().strip()]
    return [(item.get_text(), item.get_window_extent(renderer)) for item in drawn]


def layout_faults(figure: Figure) -> list[str]:
    """Return the texts that leave the page, and the pairs that overlap."""
    written, whole = texts(figure), figure.bbox
    outside = [
        text for text, box in written if box.x0 < 0 or box.y0 < 0 or box.x1 > whole.width or box.y1 > whole.height
    ]
    # A line's box has room for descenders: two points may overlap without touching.
    slack = 2 / 72 * figure.dpi
    covered = [
        f"{one} / {other}"
        for (one, a), (other, b) in combinations(written, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > slack and min(a.y1, b.y1) - max(a.y0, b.y0) > slack
    ]
    return [*outside, *covered]


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize(("count", "bracket"), [(1, True), (3, False), (6, True), (14, True)])
def test_run_figure_has_no_clipped_or_overlapping_text(count: int, bracket: bool, one: Findings) -> None:
    names = (NAMES * 3)[:count]
    found = [scaled(one, name, 10.0 ** (2 * (index % 6) - 3), bracket=bracket) for index, name in enumerate(names)]
    assert not layout_faults(evidence_figure("A long title, " * 8, found))


def test_run_curves_end_inside_axes(one: Findings) -> None:
    found = [scaled(one, "small", 1e-3, bracket=False), scaled(one, "large", 1e4, bracket=False)]
    low, high = evidence_figure("Title", found).axes[0].get_ylim()
    for each in found:
        for name in ("mismatch", "bound", "kl", "observed_mismatch"):
            assert low < each.value[name][-2] < high


def sweep(ends: dict[str, tuple[float, float]]) -> Sweep:
    """Return a finished sweep with given lower and upper limits of each sampler."""
    made = Sweep(scenario(list(ends)), [5, 10])
    for row, (low, high) in enumerate(ends.values()):
        made.lower[row], made.upper[row], made.bound[row] = low, high, 2 * high if np.isfinite(high) else np.inf
    made.completed = 2
    return made


ENDS = {"ddnm": (117.0, 131.0), "bo-ddnm": (1e-5, 2e-5), "exact": (1e-9, 3e-2), "ddim": (0.5, np.inf)}


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("count", [1, 2])
def test_sweep_figure_has_no_clipped_or_overlapping_text(count: int) -> None:
    assert not layout_faults(sweep_figure([sweep(ENDS)] * count))


def test_sweep_limits_lie_inside_axes_or_have_an_arrow() -> None:
    axes = sweep_figure([sweep(ENDS)]).axes[0]
    low, high = axes.get_ylim()
    for name, (lower, upper) in ENDS.items():
        assert low < lower < high or name == "exact"
        assert low < upper < high or name == "ddim"
    arrows = [line for line in axes.get_lines() if line.get_marker() == "v" and len(line.get_xdata())]
    assert len(arrows) == 1, "the limit that leaves the axis has an arrow"
    written = [text.get_text() for text in axes.texts]
    assert "117 – 131" in written
    assert "≥ 0.500" in written


def test_wide_text_is_shrunk_then_truncated() -> None:
    figure = page(4, 3)
    short = keep_inside(figure.text(0.1, 0.5, "short", size=12), 0.9)
    wide = keep_inside(figure.text(0.1, 0.5, "w" * 200, size=12), 0.9)
    assert (short.get_text(), short.get_fontsize()) == ("short", 12)
    assert wide.get_fontsize() == 7
    assert wide.get_text().endswith("w…")
    assert all(box.x1 <= 0.901 * figure.bbox.width for _, box in texts(figure))


def test_layout_check_finds_clipped_and_overlapping_text() -> None:
    figure = page(4, 3)
    figure.text(0.9, 0.5, "cut at the right")
    figure.text(0.1, 0.2, "one")
    figure.text(0.1, 0.2, "two")
    assert layout_faults(figure) == ["cut at the right", "one / two"]
