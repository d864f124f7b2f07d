from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QLabel, QToolButton
from pytestqt.qtbot import QtBot

from app.stage.stage import Stage, What
from app.theme import theme
from app.theme.sizes import LEAST, sizes
from core.drawing.palette import DARK, LIGHT
from core.runs.results import Results
from core.scenario.scenario import Scenario
from core.snapshot.view import View

SIZE = QSize(640, 360)


@pytest.fixture
def stage(
    qtbot: QtBot, make_scenario: Callable[..., Scenario], make_results: Callable[..., Results]
) -> Iterator[Stage]:
    made = Stage()
    qtbot.addWidget(made)
    made.show_results(make_results(make_scenario(one=True)))
    made.show_frame(30)
    yield made
    sizes.choose(text=1.0, line=1.0)
    theme.scheme.choose(Qt.ColorScheme.Unknown)


def _share_of(image: QImage, colour: str) -> float:
    small = image.scaled(64, 36)
    found = [small.pixelColor(x, y).name().upper() == colour for x in range(64) for y in range(36)]
    return sum(found) / len(found)


def test_picture_has_exact_size_and_is_the_same_each_time(stage: Stage) -> None:
    for size in (SIZE, QSize(641, 359), QSize(1280, 720)):
        image = stage.image(size)
        assert (image.width(), image.height(), image.devicePixelRatio()) == (size.width(), size.height(), 1.0)
        stage.show_frame(5)
        assert stage.image(size) != image
        stage.show_frame(30)
        assert stage.image(size) == image
    with pytest.raises(ValueError, match="1 to 8192 pixels"):
        stage.image(QSize(0, 10))


def test_larger_picture_is_laid_out_like_the_smaller_one(stage: Stage) -> None:
    stage.image(QSize(1280, 720))
    before = stage.size()
    large = stage.image(QSize(2560, 1440))
    assert stage.size() == before
    assert (large.width(), large.height()) == (2560, 1440)


def test_larger_picture_is_drawn_with_more_pixels_not_enlarged(stage: Stage) -> None:
    large = stage.image(QSize(2560, 1440))
    planes, headline = stage.planes, stage.evidence.headline.time
    assert planes is not None
    for part in (planes.panel_grid.leader.view, headline):
        corner = 2 * part.mapTo(stage, QPoint(0, 0))
        pixels = pg.functions.ndarray_from_qimage(large.copy(QRect(corner, 2 * part.size()))).astype(np.int64)
        differs = (pixels[::2, ::2] != pixels[1::2, 1::2]).any(-1)
        assert differs.mean() > 0.003, "pixels of one point of the layout differ"


def test_cursor_and_grid_are_as_thick_in_larger_pictures(stage: Stage) -> None:
    theme.scheme.choose(Qt.ColorScheme.Light)
    stage.show_frame(20)
    plot = stage.evidence.headline.time.plot
    line, muted = QColor(LIGHT.line), QColor(LIGHT.muted)
    for ratio in (1, 2, 3):
        image = stage.image(QSize(1280 * ratio, 720 * ratio))
        corner = plot.mapTo(stage, QPoint(0, 0))
        y = ratio * (corner.y() + 12)
        across = range(ratio * (corner.x() + 60), ratio * (corner.x() + plot.width() - 4))
        assert sum(_is_near(image.pixelColor(x, y), muted) for x in across) == ratio, "the cursor"
        x = ratio * (corner.x() + round(plot.getAxis("left").width()) + 3)
        down = range(ratio * corner.y(), ratio * (corner.y() + plot.height() - 30))
        shades = [_is_near(image.pixelColor(x, y), line) for y in down]
        runs = [len(run) for run in "".join(map(str, map(int, shades))).split("0") if run]
        assert set(runs) == {ratio}, "grid lines"


def _is_near(colour: QColor, other: QColor) -> bool:
    return colour.lightness() < 250 and abs(colour.lightness() - other.lightness()) < 24


def test_stage_shows_what_is_asked_for_without_controls(stage: Stage) -> None:
    planes = stage.planes
    assert planes is not None
    assert planes.controller.positions == [], "no handles"
    shows: dict[What, tuple[int, bool]] = {
        "panels": (3, False),
        "panel": (1, False),
        "panels and evidence": (3, True),
        "evidence": (0, True),
    }
    for what, (panels, evidence) in shows.items():
        stage.set_what(what)
        stage.image(SIZE)
        seen = [panel for panel in planes.panels.values() if panel.isVisibleTo(stage)]
        assert (len(seen), stage.evidence.isVisibleTo(stage)) == (panels, evidence)
    stage.set_what("panels and evidence")
    controls = [planes.choice, planes.overlays, planes.panel_grid.pager, stage.evidence.headline.scale]
    controls += [panel.info for panel in planes.panels.values()]
    assert not [control for control in controls if control.isVisibleTo(stage)]
    assert all(button.focusPolicy() == Qt.FocusPolicy.NoFocus for button in planes.panel_grid.findChildren(QToolButton)
               if button.isVisibleTo(stage))  # fmt: skip


def test_stage_applies_a_view(stage: Stage) -> None:
    planes = stage.planes
    assert planes is not None
    view = View(
        enlarged="ddnm", overlays=("trails", "lens"), extent=(-1, 1, -2, 2), time_axis="log t", logarithmic=False
    )
    stage.set_what("panels and evidence")
    stage.apply(view)
    stage.image(SIZE)
    assert planes.overlays.shown == {"trails"}
    assert [panel.about.key for panel in planes.panel_grid.in_view] == ["ddnm"]
    assert planes.panel_grid.leader.box.viewRect().contains(QRectF(-1, -2, 2, 4))
    assert (stage.evidence.headline.axis, stage.evidence.headline.time.logarithmic) == ("log t", False)
    stage.apply(View())
    assert len(planes.panel_grid.in_view) == 3


def test_words_take_space_only_where_they_are(stage: Stage) -> None:
    stage.image(SIZE)
    assert not stage.heading.isVisibleTo(stage)
    assert not stage.caption.isVisibleTo(stage)
    stage.set_words("Heading", "A caption")
    stage.image(SIZE)
    assert stage.heading.isVisibleTo(stage)
    assert stage.caption.geometry().top() > stage.evidence.mapTo(stage, stage.evidence.rect().bottomLeft()).y()
    assert stage.time.words == "t = 10"


def test_stage_follows_theme_and_sizes(stage: Stage) -> None:
    theme.scheme.choose(Qt.ColorScheme.Light)
    light = stage.image(SIZE)
    theme.scheme.choose(Qt.ColorScheme.Dark)
    dark = stage.image(SIZE)
    assert _share_of(light, LIGHT.surface) > 0.2
    assert _share_of(dark, DARK.surface) > 0.2
    theme.scheme.choose(Qt.ColorScheme.Light)
    assert stage.image(SIZE) == light
    sizes.choose(line=2.0)
    thick = stage.image(SIZE)
    assert _share_of(thick, LIGHT.surface) < _share_of(light, theme.LIGHT.surface)
    sizes.choose(text=1.6, line=1.0)
    assert stage.caption.font().pixelSize() == round(1.6 * 16)
    assert stage.image(SIZE) != light
    sizes.choose(text=1.0)
    assert stage.image(SIZE) == light


def test_text_size_reaches_existing_widgets_and_is_limited(qtbot: QtBot) -> None:
    label, plain = QLabel("words"), QLabel("words")
    for each in (label, plain):
        qtbot.addWidget(each)
    theme.set_font(label, 11, "semibold")
    sizes.choose(text=2.0)
    try:
        assert label.font().pixelSize() == 22
        assert label.font().weight() == 600
        plain.ensurePolished()
        assert plain.fontMetrics().height() > 1.8 * 13
        with pytest.raises(ValueError, match="must lie between"):
            sizes.choose(text=LEAST / 2)
    finally:
        sizes.choose(text=1.0)
    assert label.font().pixelSize() == 11
