"""Files of every kind, dropped on every page: each opens where it belongs, or is refused in one sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel

from app.cli.source import find_other_page, find_snapshot
from app.window.pages import EXPLORE, SPECTRUM, STUDIES
from app.window.window import MainWindow
from core.scenario.builtin import builtin_scenarios, load_builtin
from core.snapshot.carrier import stamped_png
from core.snapshot.kinds import kind_of
from core.snapshot.snapshot import Kind, Snapshot
from core.spectrum.builtin import builtin_settings, load_builtin_setting
from core.storyboard.builtin import builtin_storyboards, load_builtin_storyboard
from core.studies.builtin import builtin_studies, load_builtin_study

from .test_snapshots import PNG, drop

Window = Callable[..., MainWindow]
FILES = {
    "scenario": builtin_scenarios()["one-gaussian"],
    "study": builtin_studies()["noise-gaussian"],
    "spectrum": builtin_settings()["sgd"],
    "storyboard": builtin_storyboards()["three-factors"],
}
PAGES = {"scenario": EXPLORE, "study": STUDIES, "spectrum": SPECTRUM, "storyboard": EXPLORE}


def shown(window: MainWindow, kind: Kind) -> object:
    """Return what the window shows of a kind."""
    if kind == "scenario":
        return window.document.scenario
    if kind == "storyboard":
        return window.storyboards.storyboard
    if kind == "spectrum":
        return window.pages.setting()
    return None if window.pages.studies is None else window.pages.studies.editor.study


def test_every_kind_opens_from_every_page_as_file_and_within_a_picture(window: Window, tmp_path: Path) -> None:
    loaded = {
        "scenario": load_builtin("one-gaussian"),
        "study": load_builtin_study("noise-gaussian"),
        "spectrum": load_builtin_setting("sgd"),
        "storyboard": load_builtin_storyboard("three-factors"),
    }
    made = window(start=False)
    made.session.start = lambda *_: None  # type: ignore[method-assign]
    kind: Kind
    for kind, file in FILES.items():  # type: ignore[assignment]
        path, picture = tmp_path / f"{kind}.toml", tmp_path / f"{kind}.png"
        path.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
        picture.write_bytes(stamped_png(PNG, Snapshot(kind, loaded[kind].to_toml())))  # type: ignore[attr-defined]
        for page in (EXPLORE, STUDIES, SPECTRUM):
            for each in (path, picture):
                made.pages.show(page)
                drop(made, each)
                assert made.pages.current == PAGES[kind], (kind, page, each.suffix)
                assert shown(made, kind) == loaded[kind]
    assert made.document.path is None
    assert made.pages.studies is not None
    same = [each for each in made.pages.studies.library.entries if each.study == loaded["study"]]
    assert len(same) == 1, "the one of the library is shown again"


def test_snapshot_kept_as_a_text_file_opens_and_says_when_it_is_cut(window: Window, tmp_path: Path) -> None:
    made = window(start=False)
    text, path = Snapshot("spectrum", load_builtin_setting("sgd").to_toml()).to_text(), tmp_path / "from a mail.txt"
    path.write_text(text[:-20], encoding="utf-8")
    drop(made, path)
    error = made.banner.findChild(QLabel, "bannerError")
    assert error is not None
    assert "holds a snapshot that is not whole" in error.text()
    assert made.pages.current == EXPLORE
    path.write_text(text + "\n", encoding="utf-8")
    drop(made, path)
    assert made.pages.current == SPECTRUM
    assert find_snapshot(str(path)) == Snapshot("spectrum", load_builtin_setting("sgd").to_toml())


@pytest.mark.parametrize("page", [EXPLORE, STUDIES, SPECTRUM])
def test_files_that_are_not_valid_change_nothing(page: str, window: Window, tmp_path: Path) -> None:
    made = window(start=False)
    made.pages.show(page)
    before = [shown(made, kind) for kind in PAGES]  # type: ignore[arg-type]
    error = made.banner.findChild(QLabel, "bannerError")
    assert error is not None
    sentences = {
        "a = ": "is not valid TOML",
        "axes = 1": "axes",
        "[[scenes]]\nscenario = 'nowhere'": "there is no scenario 'nowhere'",
        "[method]\nsigma = -1": "sigma",
        "[prior]\nweight = [1]": "weight",
        "nmae = 1": "no key 'nmae'",
        201 * "[[scenes]]\nscenario = 'high-noise'\n": "scenes: must have at most 200 entries (has 201)",
    }
    for text, words in sentences.items():
        path = tmp_path / "broken.toml"
        path.write_text(text, encoding="utf-8")
        made.banner.say(None)
        drop(made, path)
        assert words in error.text()
        assert made.pages.current == page
    assert [shown(made, kind) for kind in PAGES] == before  # type: ignore[arg-type]


def test_kinds_of_all_built_in_files_are_told(tmp_path: Path) -> None:
    found = {
        "scenario": builtin_scenarios(),
        "study": builtin_studies(),
        "spectrum": builtin_settings(),
        "storyboard": builtin_storyboards(),
    }
    for kind, entries in found.items():
        for entry in entries.values():
            assert kind_of(tomllib.loads(entry.read_text(encoding="utf-8"))) == kind
    assert kind_of({"name", "notes"}) is None
    # The command line opens them, too.
    for kind, file in FILES.items():
        path = tmp_path / f"{kind}.toml"
        path.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
        snapshot = find_other_page(str(path))
        assert (None if kind == "scenario" else kind) == (None if snapshot is None else snapshot.kind)
