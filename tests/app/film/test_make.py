from __future__ import annotations

import hashlib
import io
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.film.encoders import EncodingError, VideoEncoder, _last_line
from app.film.job import FilmJob
from app.film.make import Known, Progress, make_film
from app.film.pictures import Pictures
from app.theme import theme
from app.theme.sizes import sizes
from core.errors import ScenarioError
from core.runs.results import Results
from core.scenario.scenario import Scenario
from core.snapshot.carrier import read_snapshot
from core.system.stop import Stopped

SIZE = 320, 180
COUNT = 6


@pytest.fixture(scope="module")
def run(make_scenario: Callable[..., Scenario], make_results: Callable[..., Results]) -> Known:
    scenario = make_scenario(one=True)
    return scenario, make_results(scenario)


@pytest.fixture
def job_of(run: Known, qapp: QApplication) -> Iterator[Callable[..., FilmJob]]:
    assert qapp is not None

    def make(kind: str, **looks: Any) -> FilmJob:
        scene = {"scenario": run[0].to_dict(), "seconds": 0.4, "hold": 0.2, "what": "panels", "view": {"part": "all"}}
        size = {"width": SIZE[0], "height": SIZE[1], "fps": 10, "text": 0.8}
        return FilmJob.from_dict({"scenes": [scene], "format": kind, **size, **looks})

    yield make
    sizes.choose(text=1.0, line=1.0)
    theme.scheme.choose(Qt.ColorScheme.Unknown)


def _pictures(path: Path) -> list[bytes]:
    """Return the decoded pictures of a film."""
    if path.suffix in {".gif", ".webp"}:
        with Image.open(path) as image:
            return [_frame(image, place) for place in range(image.n_frames)]
    raw = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True,
        check=True,
    ).stdout
    size = 3 * SIZE[0] * SIZE[1]
    return [raw[start : start + size] for start in range(0, len(raw), size)]


def _frame(image: Image.Image, place: int) -> bytes:
    image.seek(place)
    return image.convert("RGB").tobytes()


@pytest.mark.parametrize("kind", ["mp4", "webp", "gif"])
def test_film_has_its_pictures_and_its_snapshot(
    job_of: Callable[..., FilmJob], run: Known, tmp_path: Path, kind: str
) -> None:
    job, out = job_of(kind), tmp_path / f"film.{kind}"
    told: list[Progress] = []
    make_film(job, out, told.append, [run])
    assert job.count == COUNT
    assert [progress.done for progress in told] == list(range(1, COUNT + 1))
    assert {progress.total for progress in told} == {COUNT}
    pictures = _pictures(out)
    assert {len(picture) for picture in pictures} == {3 * SIZE[0] * SIZE[1]}
    if kind == "mp4":
        assert len(pictures) == COUNT
    snapshot = read_snapshot(out)
    assert snapshot == job.snapshot
    assert Scenario.from_toml(snapshot.toml) == run[0]
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    if kind == "mp4":
        first = out.read_bytes()
        make_film(job, out, lambda _: None, [run])
        assert out.read_bytes() == first, "the same job gives the same bytes"


def test_decoded_pictures_look_like_the_rendered_ones(
    job_of: Callable[..., FilmJob], run: Known, tmp_path: Path
) -> None:
    job, out = job_of("mp4"), tmp_path / "film.mp4"
    make_film(job, out, lambda _: None, [run])
    makers = Pictures(job, lambda _: run[1])
    rendered = [Image.frombuffer("RGB", SIZE, each.pixels, "raw", "BGRX", 0, 1) for each in makers.all()]
    makers.close()
    for decoded, exact in zip(_pictures(out), rendered, strict=True):
        pairs = zip(decoded, exact.tobytes(), strict=True)
        off = sum(abs(one - other) for one, other in pairs) / len(decoded)
        assert off < 4, "colours as they were, but for compression"


def test_numbered_pictures_have_their_own_t_and_replace_only_their_like(
    job_of: Callable[..., FilmJob], run: Known, tmp_path: Path
) -> None:
    job, out = job_of("png"), tmp_path / "film"
    make_film(job, out, lambda _: None, [run])
    paths = sorted(out.iterdir())
    assert [path.name for path in paths] == [f"{number:04}.png" for number in range(1, COUNT + 1)]
    times = [40 - frame for frame, _ in job.scenes[0].frames(job.fps)]
    assert [read_snapshot(path).view.t for path in paths] == times
    with Image.open(io.BytesIO(paths[0].read_bytes())) as image:
        assert (image.size, image.mode) == (SIZE, "RGB")
    before = [hashlib.sha256(path.read_bytes()).digest() for path in paths]
    make_film(job, out, lambda _: None, [run])
    assert [hashlib.sha256(path.read_bytes()).digest() for path in sorted(out.iterdir())] == before
    assert [path.name for path in tmp_path.iterdir()] == ["film"]
    (out / "thesis.tex").write_text("")
    with pytest.raises(ScenarioError, match="must be a new folder, an empty one"):
        make_film(job, out, lambda _: None, [run])


@pytest.mark.parametrize("kind", ["mp4", "gif", "png"])
def test_stopped_film_leaves_what_was_there(
    job_of: Callable[..., FilmJob], run: Known, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / ("film" if kind == "png" else f"film.{kind}")
    if kind != "png":
        out.write_bytes(b"an older film")

    def stop(progress: Progress) -> None:
        if progress.done == 3:
            raise Stopped

    with pytest.raises(Stopped):
        make_film(job_of(kind), out, stop, [run])
    assert [path.name for path in tmp_path.iterdir()] == ([] if kind == "png" else [out.name])
    if kind != "png":
        assert out.read_bytes() == b"an older film"


def test_place_that_cannot_be_written_is_told(job_of: Callable[..., FilmJob], run: Known, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="does not exist"):
        make_film(job_of("mp4"), tmp_path / "none" / "film.mp4", lambda _: None, [run])
    (tmp_path / "film.mp4").mkdir()
    with pytest.raises(ScenarioError, match="is a folder"):
        make_film(job_of("mp4"), tmp_path / "film.mp4", lambda _: None, [run])


def test_error_of_the_encoder_is_told(job_of: Callable[..., FilmJob], tmp_path: Path) -> None:
    encoder = VideoEncoder(tmp_path / "none" / "film", SIZE, 10, "webp", job_of("webp").snapshot, loops=True)
    with pytest.raises((EncodingError, OSError), match=r"No such file|ended"):
        encoder.finish()
    encoder.abandon()


def test_words_of_the_encoder_are_told_without_addresses() -> None:
    assert _last_line(b"x\n[out#0/mp4 @ 0x55ac0039f3c0] No space left on device\n") == "No space left on device"
    assert _last_line(b"") == ""
