"""Snapshots as text and inside files: round trips, and refusal of what is truncated, foreign, hostile or too large."""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from core.errors import ScenarioError
from core.scenario.builtin import load_builtin
from core.scenario.scenario import Scenario
from core.snapshot import snapshot as module
from core.snapshot.carrier import figure_metadata, read_snapshot, stamped_png
from core.snapshot.snapshot import MARK, Snapshot
from core.snapshot.view import View

VIEW = View(t=7, overlays=("law", "trails"), plane="x₁, x₂", extent=(-1.5, 2.0, -3.0, 4.0), enlarged="ddnm")
SNAPSHOT = Snapshot("scenario", load_builtin("three-components").to_toml(), VIEW)


def packed(data: object) -> str:
    return MARK + base64.urlsafe_b64encode(zlib.compress(json.dumps(data).encode())).decode().rstrip("=")


def test_text_is_one_ascii_line_that_gives_content_and_view_again() -> None:
    text = SNAPSHOT.to_text()
    assert text.isascii()
    assert not set(text) & set(" \n")
    assert Snapshot.from_text(text) == SNAPSHOT
    assert Scenario.from_toml(SNAPSHOT.toml) == load_builtin("three-components")


@given(st.text(max_size=300), st.integers(0, 10**6), st.sampled_from(["", "look:", " – ", "\n> "]))
def test_any_content_is_read_within_a_chat(toml: str, t: int, word: str) -> None:
    snapshot = Snapshot("study", toml.encode(errors="ignore").decode(), View(t=t))
    text = snapshot.to_text()
    for said in (f"{word}{text}", f"{word} {text} and see", "\n".join([word, text[:30], text[30:], "x"])):
        assert Snapshot.from_text(said) == snapshot


@pytest.mark.parametrize("cut", [len(MARK), len(MARK) + 1, 100, -1, -20])
def test_truncated_text_is_refused(cut: int) -> None:
    with pytest.raises(ScenarioError, match="chat: holds a snapshot that is not whole"):
        Snapshot.from_text(SNAPSHOT.to_text()[:cut], "chat")


@given(st.integers(len(MARK), len(SNAPSHOT.to_text()) - 1), st.sampled_from("AZaz09-_.é"))
def test_changed_text_is_refused_or_equal(place: int, letter: str) -> None:
    text = SNAPSHOT.to_text()
    try:
        found = Snapshot.from_text(text[:place] + letter + text[place + 1 :])
    except ScenarioError:
        return
    assert found == SNAPSHOT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no snapshot"),
        ("mismatch-lab:2:abcd", "a later version"),
        (packed([1]), "is not a snapshot"),
        (packed({"kind": "code", "toml": ""}), "no kind of snapshot 'code'; allowed: scenario, study"),
        (packed({"kind": "scenario", "toml": 3}), "is not a snapshot"),
        (packed({"kind": "scenario", "toml": "", "view": {"t": "x"}}), "t: must be a valid integer"),
        (packed({"kind": "scenario", "toml": "", "view": {"tt": 1}}), "there is no key 'tt'; did you mean 't'"),
        (packed({"kind": "scenario", "toml": "", "view": {"extent": [1, 0, 0, 1]}}), "left < right"),
        (packed({"kind": "scenario", "toml": "", "view": []}), "must be a table"),
        (packed({"kind": "scenario", "toml": "", "view": {"overlays": ["lawn"]}}), "'law'"),
    ],
)
def test_foreign_text_is_refused_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Snapshot.from_text(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_content_that_grows_too_large_is_not_decompressed(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = MARK + base64.urlsafe_b64encode(zlib.compress(b" " * 4_000_000)).decode()
    monkeypatch.setattr(module, "LARGEST", 1 << 20)
    with pytest.raises(ScenarioError, match="at most 1 MiB after decompression"):
        Snapshot.from_text(bomb)


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_figures_carry_a_snapshot_and_are_equal_files_when_written_again(tmp_path: Path, ending: str) -> None:
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([1, 2])
    for name in ("one", "two"):
        with mpl.rc_context({"svg.hashsalt": "mismatch-lab"}):
            figure.savefig(tmp_path / f"{name}{ending}", metadata=figure_metadata(ending, SNAPSHOT))
    assert read_snapshot(tmp_path / f"one{ending}") == SNAPSHOT
    assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"two{ending}").read_bytes()


def test_stamped_png_shows_the_same_picture_and_carries_the_snapshot(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.effect_noise((20, 10), 50).save(stream, "png")
    path = tmp_path / "picture.png"
    path.write_bytes(stamped_png(stream.getvalue(), SNAPSHOT))
    assert read_snapshot(path) == SNAPSHOT
    with Image.open(path) as picture, Image.open(stream) as before:
        assert picture.tobytes() == before.tobytes()
        assert picture.text == {"mismatch-lab": SNAPSHOT.to_text()}  # pillow checks the sums of the chunks


def test_other_bytes_are_not_stamped() -> None:
    with pytest.raises(ValueError, match="not a PNG file"):
        stamped_png(b"GIF89a" + bytes(100), SNAPSHOT)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no snapshot"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "holds no snapshot"),
        (b"x" * 50 + SNAPSHOT.to_text().encode()[:-9] + b"\0\xff", "not whole"),
        (b"mismatch-lab:77:\xff\xff", "later version"),
        (MARK.encode() + b"\0", "not whole"),
    ],
)
def test_file_without_a_whole_snapshot_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    with pytest.raises(ScenarioError, match=words) as caught:
        read_snapshot(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("name", ["missing.png", "."])
def test_path_without_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScenarioError, match="is not a file"):
        read_snapshot(tmp_path / name)
