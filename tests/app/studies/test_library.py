"""The library keeps studies in folders of their own, with their rows, and never loses one to another window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.studies.drafts import new_study
from app.studies.library import STORE, STUDY, Library
from core.errors import ScenarioError
from core.plugins.loader import loaded_contents
from core.scenario.scenario import Scenario
from core.studies.measure import measure
from core.studies.store import Store
from core.studies.study import Study

OWN = "def score(level, x):\n    return level.prior_score(x)\n"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "studies")


def test_studies_are_found_again_the_latest_first(library: Library, small: Scenario) -> None:
    one = library.add(new_study(small))
    two = library.add(new_study(small, "steps"))
    assert [entry.folder for entry in library.entries] == [two.folder, one.folder]
    again = Library(library.folder)
    assert [entry.name for entry in again.entries] == ["Small: number of steps T", "Small: σ_y"]
    assert again.entries[1].study == one.study


def test_a_copy_has_the_rows_too_and_is_independent(library: Library, small: Scenario) -> None:
    entry = library.add(new_study(small))
    assert entry.study is not None
    with Store.open(entry.store, entry.study) as store:
        for cell in list(entry.study.cells())[:2]:
            store.add(cell, measure(entry.study, cell))
    copy = library.duplicate(entry)
    assert copy.study is not None
    assert copy.name == "Small: σ_y (copy)"
    library.delete(entry)
    assert not entry.folder.exists()
    with Store.open(copy.store, copy.study) as store:
        assert store.completed == 2


def test_a_file_that_cannot_be_read_is_listed_with_the_reason(library: Library, small: Scenario) -> None:
    entry = library.add(new_study(small))
    (entry.folder / STUDY).write_text("axes = 3", encoding="utf-8")
    again = Library(library.folder)
    assert again.entries[0].study is None
    assert "axes" in again.entries[0].error


def test_other_folders_are_no_studies(library: Library, small: Scenario) -> None:
    library.add(new_study(small))
    (library.folder / "study-999").mkdir()
    (library.folder / "mine").mkdir()
    (library.folder / "mine" / STUDY).write_text("", encoding="utf-8")
    assert len(Library(library.folder).entries) == 1


def test_an_interrupted_study_is_known_unless_it_is_being_measured(library: Library, small: Scenario) -> None:
    entry = library.add(new_study(small))
    assert not entry.was_interrupted
    entry.begin()
    other = Library(library.folder).entries[0]
    assert not other.was_interrupted, "this process measures it"
    with pytest.raises(ScenarioError, match="another window"):
        other.begin()
    entry.end(keeps_mark=True)
    assert other.was_interrupted
    other.forget_interruption()
    assert not other.was_interrupted


def test_names_of_files_and_studies_are_text(library: Library) -> None:
    study = Study.from_dict({"name": "<b>bold</b>\n\u202eevil", "base": "liang-gaussian"}).fixed()
    assert library.add(study).name == "<b>bold</b> \ufffdevil"


def test_only_sampler_files_that_a_study_uses_belong_to_it(
    library: Library, small: Scenario, own_sampler: Callable[..., str]
) -> None:
    own_sampler(OWN, "mine.py")
    own_sampler(OWN, "other.py")
    assert library.add(new_study(small)).plugins() == []
    data = small.to_dict()
    data["run"]["samplers"] = ["ddnm", "mine"]
    entry = library.add(new_study(Scenario.from_dict(data)))
    assert entry.plugins() == loaded_contents()[:1]
    assert len(entry.fingerprints()) == 1
    data["run"]["samplers"] = ["ddim:mine", "exact"]
    assert library.add(new_study(Scenario.from_dict(data))).plugins() == loaded_contents()[:1], "its score is used"
    family = {"family": {"kind": "grid", "dimension": 800}, "samplers": ["other"]}
    assert library.add(Study.from_dict(family)).plugins() == loaded_contents()[1:]
    assert entry.store == entry.folder / STORE
