"""The presenter with the keys of a remote: scenes, blank screens, digits, laser, glide, and no trace at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.presenter.presenter import Presenter, enlargement
from app.presenter.speaker import SpeakerView
from app.theme.sizes import sizes
from core.errors import ScenarioError
from core.scenario.edits import patched
from core.scenario.scenario import Scenario
from core.storyboard.storyboard import Scene, Storyboard

Present = Callable[..., Presenter]
KEY = Qt.Key


@pytest.fixture
def storyboard(make_scenario: Callable[..., Scenario]) -> Storyboard:
    """Twelve scenes: four times two of one shape and one in one dimension."""
    base = make_scenario()
    noisy = patched(base, {"measurement": {"noise": 1.0}})
    line = make_scenario(
        prior={"weights": [0.5, 0.5], "means": [[-1.0], [1.0]], "covariances": [0.1, 0.2]},
        measurement={"matrix": [[1.0]], "value": [0.5], "noise": 0.4},
    )
    made = Storyboard.first(Scene(scenario="a", caption="First & <b>bold</b> $x$", seconds=0.4, start=30), base, "Talk")
    made = made.with_scene(Scene(scenario="b", caption="Second", notes="Say this", seconds=0.4), noisy)
    made = made.with_scene(Scene(scenario="c", caption="Third", seconds=0.4, plot=False), line)
    return made.with_scenes(4 * list(made.scenes))


@pytest.fixture
def present(qtbot: QtBot) -> Iterator[Present]:
    """``(storyboard, start=0)``: begin to present, and wait for the first scene."""
    opened: list[Presenter] = []

    def begin(storyboard: Storyboard, start: int = 0) -> Presenter:
        made = Presenter(storyboard, start)
        opened.append(made)
        made.begin()
        on_scene(made, start, qtbot)
        return made

    yield begin
    for made in opened:
        if isValid(made):
            made.close()


def on_scene(presenter: Presenter, index: int, qtbot: QtBot) -> None:
    """Wait until a scene is shown."""
    qtbot.waitUntil(lambda: presenter.shown == index, timeout=30_000)


def test_remote_goes_through_scenes_which_are_computed_ahead(
    present: Present, storyboard: Storyboard, qtbot: QtBot
) -> None:
    show = present(storyboard)
    assert show.isFullScreen()
    assert show.stage.caption.text() == "First & <b>bold</b> $x$"
    assert show.stage.heading.text() == "Talk"
    assert sizes.text == enlargement(show.size()) >= 1.6
    assert show.stage.frame >= 10  # starts at t = 30 of 40
    qtbot.waitUntil(lambda: not show.player.is_playing and show.stage.frame == 39, timeout=30_000)  # rests at t = 1
    qtbot.waitUntil(lambda: show.deck.is_ready(1), timeout=30_000)
    qtbot.keyClick(show, KEY.Key_PageDown)
    on_scene(show, 1, qtbot)
    assert show.stage.caption.text() == "Second"
    qtbot.keyClick(show, KEY.Key_PageDown)
    on_scene(show, 2, qtbot)
    assert not show.stage.evidence.isVisible()
    qtbot.keyClick(show, KEY.Key_PageUp)
    on_scene(show, 1, qtbot)
    qtbot.waitUntil(lambda: not show.player.is_playing, timeout=30_000)
    qtbot.keyClick(show, KEY.Key_Space)
    assert show.player.is_playing
    assert show.stage.frame < 20
    qtbot.keyClick(show, KEY.Key_Space)
    before = show.stage.frame
    qtbot.keyClick(show, KEY.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert show.stage.frame == before + 1
    qtbot.keyClick(show, KEY.Key_F5)
    on_scene(show, 1, qtbot)
    qtbot.waitUntil(lambda: show.player.is_playing, timeout=5000)


def test_type_grows_with_the_screen() -> None:
    sizes_of = {(1280, 720): 1.6, (1024, 768): 1.6, (1920, 1080): 2.4, (3840, 2160): 4.0}
    assert {size: pytest.approx(enlargement(QSize(*size))) for size in sizes_of} == sizes_of


def test_digits_jump_and_ends_stay(present: Present, storyboard: Storyboard, qtbot: QtBot) -> None:
    show = present(storyboard)
    qtbot.keyClick(show, KEY.Key_PageUp)
    assert show.index == 0
    qtbot.keyClicks(show, "12")
    assert show.index == 11
    qtbot.keyClick(show, KEY.Key_PageDown)
    assert show.index == 11
    qtbot.keyClick(show, KEY.Key_1)
    assert show.index == 11  # a second digit may follow
    qtbot.waitUntil(lambda: show.index == 0, timeout=5000)
    qtbot.keyClick(show, KEY.Key_5)
    assert show.index == 4
    qtbot.keyClick(show, KEY.Key_End)
    assert show.index == 11
    qtbot.keyClick(show, KEY.Key_Home)
    on_scene(show, 0, qtbot)


def test_blank_screens_laser_and_end(present: Present, storyboard: Storyboard, qtbot: QtBot) -> None:
    show = present(storyboard, 1)
    for key, colour in ((KEY.Key_B, "#000000"), (KEY.Key_W, "#ffffff")):
        qtbot.keyClick(show, key)
        assert show.blank.isVisible()
        assert show.grab().toImage().pixelColor(200, 200).name() == colour
        qtbot.keyClick(show, key)
        assert not show.blank.isVisible()
    qtbot.keyClick(show, KEY.Key_B)
    qtbot.keyClick(show, KEY.Key_PageUp)  # a scene after a blank screen is seen
    assert not show.blank.isVisible()
    assert show.index == 0
    place = QPoint(300, 200)
    qtbot.mousePress(show, Qt.MouseButton.LeftButton, pos=place)
    assert (show.laser.geometry().center() - place).manhattanLength() <= 2
    assert show.laser.isVisible()
    qtbot.mouseRelease(show, Qt.MouseButton.LeftButton, pos=place)
    assert not show.laser.isVisible()
    with qtbot.waitSignal(show.closed) as closed:
        qtbot.keyClick(show, KEY.Key_Escape)
    assert closed.args == [0]
    assert sizes.text == 1.0


def test_problems_of_one_shape_glide_and_others_are_cut(
    present: Present, storyboard: Storyboard, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = present(storyboard)
    qtbot.waitUntil(lambda: show.deck.is_ready(1), timeout=30_000)
    noises: list[float] = []
    planes = show.stage.planes
    assert planes is not None
    draw = planes.show_densities

    def note(scenario: Scenario) -> None:
        assert scenario.measurement is not None
        noises.append(scenario.measurement.noise)
        draw(scenario)

    monkeypatch.setattr(planes, "show_densities", note)
    show.go(1)
    on_scene(show, 1, qtbot)
    assert noises == sorted(noises)
    assert noises[-1] == 1.0
    count = len(noises)
    show.go(2)
    on_scene(show, 2, qtbot)
    assert len(noises) == count


def test_scene_that_cannot_be_computed_says_why(present: Present, storyboard: Storyboard) -> None:
    show = present(storyboard)
    show.deck.failed.emit(0, ScenarioError("", "run.particles", "no memory"))
    assert "Scene 1 cannot be computed: run.particles: no memory" in show.waiting.text()
    assert show.waiting.isVisible()


def test_speaker_sees_notes_clock_and_the_next_scene(present: Present, storyboard: Storyboard, qtbot: QtBot) -> None:
    show = present(storyboard)
    speaker = SpeakerView(show.deck)
    qtbot.addWidget(speaker)
    speaker.keyed.connect(show.keyPressEvent)
    speaker.show()
    speaker.show_scene(0)
    assert speaker.next_caption.text() == "Second"
    assert not speaker.picture.pixmap().isNull()
    assert speaker.count.text() == "Scene 1 of 12"
    qtbot.keyClick(speaker, KEY.Key_PageDown)
    assert show.index == 1
    speaker.show_scene(1)
    assert speaker.notes.toPlainText() == "Say this"
    speaker.show_scene(11)
    assert "last" in speaker.next_caption.text()
    speaker.close()


def test_first_scene_has_its_words_and_no_empty_plot_until_it_is_computed(storyboard: Storyboard) -> None:
    show = Presenter(storyboard)
    show.begin()
    assert show.waiting.isVisible()
    assert show.stage.caption.text() == "First & <b>bold</b> $x$"
    assert not show.stage.evidence.isVisible()
    show.close()
