"""Typed words find scenarios: by their titles first, by whole words before beginnings, and only with all words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.files.gallery_search import matching
from core.scenario.builtin import GalleryEntry, builtin_scenarios, gallery

ENTRIES = [entry for group in gallery().values() for entry in group]


def found(typed: str) -> list[str]:
    return [entry.key for entry in matching(ENTRIES, typed)]


@pytest.mark.parametrize(
    ("typed", "best"),
    [
        ("no noise", "noiseless"),
        ("No  Noise ", "noiseless"),
        ("noise no", "noiseless"),
        ("noiseless", "noiseless"),
        ("high noise", "high-noise"),
        ("low noise", "low-noise"),
        ("little noise", "liang-gaussian"),
        ("much noise", "liang-mixture"),
        ("six points", "point-masses"),
        ("six poi", "point-masses"),
        ("point masses", "point-masses"),
        ("nine points", "grid-of-points"),
        ("points grid", "grid-of-points"),
        ("six samplers", "six-samplers"),
        ("no correlation", "no-correlation"),
        ("correlation", "no-correlation"),
        ("strong", "strong-correlation"),
        ("no measurement", "shifted-mean"),
        ("other weights", "shifted-weights"),
        ("one gaussian", "one-gaussian"),
        ("liang one gaussian", "liang-gaussian"),
        ("CCDF", "ccdf-never-settles"),
        ("bo-ddnm", "high-noise"),
        ("ring", "ring"),
        ("σ_y", "noiseless"),
        ("from data", "iris-petals"),
        ("iris", "iris-petals"),
    ],
)
def test_the_best_is_what_was_meant(typed: str, best: str) -> None:
    assert found(typed)[0] == best


@pytest.mark.parametrize("typed", ["", "  ", "-", "…?"])
def test_an_empty_filter_shows_all_in_order(typed: str) -> None:
    assert found(typed) == [entry.key for entry in ENTRIES]


@pytest.mark.parametrize("typed", ["zzz", "no zzz", "six irises", "oise", "noise?x"])
def test_all_words_must_be_there_from_their_beginning(typed: str) -> None:
    assert found(typed) == []


def test_every_title_finds_itself_first() -> None:
    for entry in ENTRIES:
        assert found(entry.name)[0] == entry.key
        assert found(entry.key)[0] == entry.key
    assert {entry.key for entry in ENTRIES} == set(builtin_scenarios())


def entry(key: str, name: str, sentence: str) -> GalleryEntry:
    return GalleryEntry(key, name, "Group", sentence)


def test_titles_then_whole_words_then_beginnings() -> None:
    ranked = [
        entry("a", "A noise", "Text."),
        entry("b", "Noisefree", "Text."),
        entry("c", "Other", "Some noise here."),
        entry("d", "Other", "Some noisefree text."),
    ]
    assert matching(ranked[::-1], "noise") == ranked
    assert matching([*ranked, entry("e", "Other", "Denoised.")], "noise") == ranked


def test_of_equals_the_words_as_they_stand_come_first() -> None:
    apart, inside, first = (
        entry("a", "Two of one kind, Gaussian", ""),
        entry("b", "Here one Gaussian", ""),
        entry("c", "One Gaussian here", ""),
    )
    assert matching([apart, inside, first], "one gaussian") == [first, inside, apart]
    assert matching([first, apart, inside], "kind") == [apart]


@given(st.text(max_size=12), st.text(max_size=3))
def test_more_words_never_find_more(typed: str, more: str) -> None:
    assert set(found(f"{typed} {more}")) <= set(found(typed))
