"""Gallery search: all typed words must match; titles rank before texts, whole words before prefixes."""

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
def test_best_match_of_typed_words(typed: str, best: str) -> None:
    assert found(typed)[0] == best


@pytest.mark.parametrize("typed", ["", "  ", "-", "…?"])
def test_empty_filter_lists_all_scenarios_in_order(typed: str) -> None:
    assert found(typed) == [entry.key for entry in ENTRIES]


@pytest.mark.parametrize("typed", ["zzz", "no zzz", "six irises", "oise", "noise?x"])
def test_scenario_matches_only_if_every_typed_word_begins_one_of_its_words(typed: str) -> None:
    assert found(typed) == []


def test_full_title_or_key_ranks_its_scenario_first() -> None:
    for entry in ENTRIES:
        assert found(entry.name)[0] == entry.key
        assert found(entry.key)[0] == entry.key
    assert {entry.key for entry in ENTRIES} == set(builtin_scenarios())


def entry(key: str, name: str, sentence: str) -> GalleryEntry:
    return GalleryEntry(key, name, "Group", sentence)


def test_matches_rank_by_title_then_whole_word_then_prefix() -> None:
    ranked = [
        entry("a", "A noise", "Text."),
        entry("b", "Noisefree", "Text."),
        entry("c", "Other", "Some noise here."),
        entry("d", "Other", "Some noisefree text."),
    ]
    assert matching(ranked[::-1], "noise") == ranked
    assert matching([*ranked, entry("e", "Other", "Denoised.")], "noise") == ranked


def test_equal_matches_rank_by_phrase_and_by_position() -> None:
    apart, inside, first = (
        entry("a", "Two of one kind, Gaussian", ""),
        entry("b", "Here one Gaussian", ""),
        entry("c", "One Gaussian here", ""),
    )
    assert matching([apart, inside, first], "one gaussian") == [first, inside, apart]
    assert matching([first, apart, inside], "kind") == [apart]


@given(st.text(max_size=12), st.text(max_size=3))
def test_additional_words_never_add_matches(typed: str, more: str) -> None:
    assert set(found(f"{typed} {more}")) <= set(found(typed))
