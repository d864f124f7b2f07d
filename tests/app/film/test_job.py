from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.film.job import MOST_FRAMES, FilmJob, format_of
from core.errors import ScenarioError
from core.scenario.scenario import Scenario
from core.storyboard.builtin import builtin_storyboards, load_builtin_storyboard


@pytest.fixture(scope="module")
def make_job(make_scenario: Callable[..., Scenario]) -> Callable[..., FilmJob]:
    table = make_scenario().to_dict()

    def make(scene: dict[str, Any] | None = None, **looks: Any) -> FilmJob:
        return FilmJob.from_dict({"scenes": [{"scenario": table, **(scene or {})}], **looks})

    return make


@pytest.mark.parametrize(
    ("scene", "looks", "sentence"),
    [
        ({}, {"width": 641}, "width: must be even, as video formats ask (is 641)"),
        ({}, {"height": 4000}, "height: must be less than or equal to 3840"),
        ({}, {"width": 2}, "width: must be greater than or equal to 160"),
        ({}, {"fps": 0}, "fps: must be greater than or equal to 1"),
        ({}, {"text": 3}, "text: must be less than or equal to 2"),
        ({}, {"theme": "blue"}, "theme: must be 'light' or 'dark' (is 'blue')"),
        ({}, {"sise": 3}, "there is no key 'sise'; did you mean"),
        ({"start": 41}, {}, "start: must be at most T = 40 (is 41)"),
        ({"start": 3, "end": 4}, {}, "end: must be at most start = 3, since t falls (is 4)"),
        ({"seconds": 0}, {}, "scenes.seconds, entry 1: must be greater than 0"),
        ({"seconds": 3, "speed": 2}, {}, "speed: must be left out where seconds are given"),
        ({"seconds": 600, "hold": 600}, {"fps": 60}, f"scenes: must have at most {MOST_FRAMES} pictures together"),
        ({"what": "all"}, {}, "scenes.what, entry 1: must be 'panels'"),
        ({"view": {"overlays": ["rain"]}}, {}, "scenes.view.overlays, entry 1"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    make_job: Callable[..., FilmJob], scene: dict[str, Any], looks: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ScenarioError) as found:
        make_job(scene, **looks)
    assert sentence in str(found.value)


def test_pictures_are_as_many_as_seconds_need(make_job: Callable[..., FilmJob]) -> None:
    for fps, seconds, hold in ((30, 10, 0), (24, 2.5, 1), (10, 0.04, 0), (12.5, 4, 2)):
        job = make_job({"seconds": seconds, "hold": hold}, fps=fps)
        assert job.count == max(round(fps * seconds), 1) + round(fps * hold)
    whole = make_job({"end": 0, "hold": 0})
    assert whole.count == 180, "speed 1 plays a run in six seconds"
    assert make_job({"end": 0, "hold": 0, "speed": 2}).count == 90
    assert make_job({"start": 20, "end": 0, "hold": 0}).count == 90


def test_scene_runs_from_start_to_end_and_stays(make_job: Callable[..., FilmJob]) -> None:
    frames = make_job({"start": 30, "end": 10, "seconds": 2, "hold": 0.5}, fps=20).scenes[0].frames(20)
    assert frames[0] == (10, True)
    assert frames[39:] == [(30, False)] * 11
    assert [frame for frame, _ in frames] == sorted(frame for frame, _ in frames)
    late = make_job({"seconds": 2, "view": {"time_axis": "log t"}}).scenes[0].frames(30)
    assert late[30][0] > 25, "half of the time goes to the last steps"
    still = make_job({"start": 5, "end": 5, "seconds": 1, "hold": 0}, fps=10).scenes[0].frames(10)
    assert {frame for frame, _ in still} == {35}


def test_job_is_the_same_after_a_journey_as_plain_values(make_job: Callable[..., FilmJob]) -> None:
    job = make_job({"caption": "Words", "view": {"enlarged": "ddnm"}, "end": 3}, width=640, height=360, theme="dark")
    assert FilmJob.from_dict(job.to_dict()) == job
    assert FilmJob.from_toml(job.to_toml()) == job
    assert job.snapshot.view.t == 3
    assert job.snapshot.view.enlarged == "ddnm"


def test_format_follows_from_the_ending() -> None:
    names = {"a.mp4": "mp4", "a.WEBP": "webp", "a.gif": "gif", "a.png": "png", "folder": "png"}
    assert {name: format_of(Path(name)) for name in names} == names
    with pytest.raises(ScenarioError, match=r"must end in one of \.mp4, \.webp"):
        format_of(Path("a.avi"))


def test_storyboard_becomes_a_film_scene_by_scene() -> None:
    for key in builtin_storyboards():
        storyboard = load_builtin_storyboard(key)
        job = FilmJob.of_storyboard(storyboard, width=640, height=360)
        assert [scene.caption for scene in job.scenes] == [scene.caption for scene in storyboard.scenes]
        assert [scene.stretch for scene in job.scenes] == [storyboard.t_of(i) for i in range(len(storyboard.scenes))]
        assert job.snapshot.kind == "storyboard"
