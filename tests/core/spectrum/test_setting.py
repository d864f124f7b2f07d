from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ScenarioError
from core.scenario.toml import updated_toml
from core.spectrum.builtin import builtin_settings, find_setting, load_builtin_setting
from core.spectrum.discrete import DiscreteDiffusion
from core.spectrum.langevin import Langevin, StationaryLangevin
from core.spectrum.sections import METHODS, SPECTRA
from core.spectrum.setting import SpectrumSetting
from core.spectrum.vp import SCHEMES, VPDiffusion, VPLimit

# Round trip

positive = st.floats(1e-6, 100)
SPECTRUM = st.one_of(
    st.fixed_dictionaries({"kind": st.just("values"), "values": st.lists(positive, min_size=1, max_size=5)}),
    st.fixed_dictionaries(
        {"kind": st.just("power law")},
        optional={"dimension": st.integers(1, 30), "scale": positive, "exponent": st.floats(-3, 5)},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("exponential")},
        optional={"dimension": st.integers(1, 30), "scale": positive, "rate": st.floats(0, 3)},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("field")},
        optional={"side": st.integers(1, 8), "variance": positive, "exponent": st.floats(0, 5)},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("field"), "model": st.just("matern")},
        optional={"side": st.integers(1, 8), "length": positive, "smoothness": st.floats(0.1, 5)},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("data set"), "name": st.sampled_from(["digits", "iris", "breast cancer"])},
        optional={"standardised": st.booleans()},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("file"), "path": st.text("ab/\\ \"'é.", min_size=1, max_size=9)},
        optional={"holds": st.sampled_from(["eigenvalues", "covariance", "points"])},
    ),
)
DIFFUSION = {
    "eps": st.floats(0, 0.9),
    "start": st.sampled_from(["normal", "p_T"]),
    "beta_start": positive,
    "beta_end": positive,
}
METHOD = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("langevin")},
        optional={"sigma": positive, "gamma": positive, "steps": st.integers(1, 10**6), "start": st.just("p_sigma")},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("diffusion"), "scheme": st.sampled_from([scheme for scheme in SCHEMES if scheme != "DDPM"])},
        optional={**DIFFUSION, "points": st.integers(2, 2000)},
    ),
    st.fixed_dictionaries({"kind": st.just("continuous")}, optional={**DIFFUSION, "form": st.just("ODE")}),
    st.fixed_dictionaries(
        {"kind": st.just("discrete")},
        optional={
            "sampler": st.sampled_from(["ancestral", "DDIM", "Heun"]),
            "variance": st.sampled_from(["theory", "beta", "posterior"]),
            "last": st.integers(0, 5),
            "schedule": st.sampled_from([{"steps": 30}, {"kind": "cosine"}, {"kind": "linear", "beta_end": 0.1}]),
        },
    ),
)
LEARNING = st.fixed_dictionaries(
    {},
    optional={
        "samples": st.integers(2, 10**9),
        "tau": st.floats(1e-8, 0.1),
        "sgd_steps": st.integers(1, 1000),
        "repeats": st.integers(2, 1000),
        "seed": st.integers(0, 2**63 - 1),
    },
)
SETTING = st.fixed_dictionaries(
    {}, optional={"name": st.text(), "notes": st.text(), "spectrum": SPECTRUM, "method": METHOD, "learning": LEARNING}
)


@given(SETTING)
def test_any_setting_reads_back_as_it_was(tables: dict[str, Any]) -> None:
    setting = SpectrumSetting.from_dict(tables)
    assert SpectrumSetting.from_toml(setting.to_toml()) == setting
    assert SpectrumSetting.from_dict(setting.to_dict()) == setting
    setting.method.build()


@given(SETTING, SETTING)
@settings(max_examples=50)
def test_text_of_any_setting_updates_to_any_other(one: dict[str, Any], other: dict[str, Any]) -> None:
    text, setting = SpectrumSetting.from_dict(one).to_toml(), SpectrumSetting.from_dict(other)
    assert SpectrumSetting.from_toml(updated_toml(text, setting)) == setting


def test_update_keeps_comments() -> None:
    text = '[spectrum]  # the data\nkind = "power law"\nexponent = 1.50  # steep\n[method]\nsigma = 0.3\n'
    setting = SpectrumSetting.from_toml(text).patched({"method": {"sigma": 0.5}})
    assert updated_toml(text, setting) == text.replace("0.3", "0.5")


# Any content


@given(
    st.dictionaries(
        st.sampled_from(["name", "spectrum", "method", "learning", "x"]),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(
                    st.sampled_from(["kind", "values", "eps", "sigma", "schedule", "samples", "y"]), inner, max_size=3
                ),
            ),
        ),
    )
)
def test_any_tables_give_a_setting_or_an_error(tables: dict[str, Any]) -> None:
    with suppress(ScenarioError):
        assert SpectrumSetting.from_dict(tables).learning.repeats >= 2


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "key at the top": ({"spectra": {}}, "", "no key 'spectra'; did you mean 'spectrum'"),
    "spectrum": ({"spectrum": {"kind": "power"}}, "spectrum.kind", "no spectrum 'power'; did you mean 'power law'"),
    "method": ({"method": {"kind": "langvin"}}, "method.kind", "no method 'langvin'; did you mean 'langevin'"),
    "key of a spectrum": (
        {"spectrum": {"kind": "exponential", "exponent": 1.0}},
        "spectrum",
        "no key 'exponent' in the spectrum 'exponential'",
    ),
    "key of a spectrum without kind": ({"spectrum": {"rate": 1.0}}, "spectrum", "in the spectrum 'power law'"),
    "schedule of a method": (
        {"method": {"kind": "discrete", "schedule": {"kind": "cosin"}}},
        "method.schedule.kind",
        "no schedule 'cosin'; did you mean 'cosine'",
    ),
    "key of a schedule": (
        {"method": {"kind": "discrete", "schedule": {"kind": "cosine", "c": 1}}},
        "method.schedule",
        "no key 'c' in the schedule 'cosine'",
    ),
    "last of a schedule": (
        {"method": {"kind": "discrete", "last": 30, "schedule": {"steps": 30}}},
        "method",
        "last must be from 0 to 29",
    ),
    "scheme": ({"method": {"kind": "diffusion", "scheme": "em"}}, "method.scheme", "'em'"),
    "points for DDPM": (
        {"method": {"kind": "diffusion", "scheme": "DDPM", "points": 5}},
        "method",
        "points must be at least",
    ),
    "sigma": ({"method": {"sigma": 0.0}}, "method.sigma", "greater than 0"),
    "eps": ({"method": {"kind": "diffusion", "eps": 1.0}}, "method.eps", "less than 1"),
    "value": ({"spectrum": {"kind": "values", "values": [1.0, -1.0]}}, "spectrum.values, entry 2", "greater than or"),
    "no value": ({"spectrum": {"kind": "values", "values": []}}, "spectrum.values", "must not be empty"),
    "zeros": ({"spectrum": {"kind": "values", "values": [0.0]}}, "spectrum", "largest eigenvalue"),
    "dimension": ({"spectrum": {"dimension": 5000}}, "spectrum.dimension", "4096"),
    "side": ({"spectrum": {"kind": "field", "side": 65}}, "spectrum.side", "64"),
    "exponent of Matérn": (
        {"spectrum": {"kind": "field", "model": "matern", "exponent": 1.0}},
        "spectrum.exponent",
        "must be left out where model is 'matern'",
    ),
    "length of a power law": ({"spectrum": {"kind": "field", "length": 1.0}}, "spectrum.length", "left out"),
    "data set": ({"spectrum": {"kind": "data set", "name": "mnist"}}, "spectrum.name", "'digits'"),
    "samples": ({"learning": {"samples": 1}}, "learning.samples", "2"),
    "no table": ({"method": 3}, "method", "table"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_setting_raises_one_sentence_with_its_field(name: str) -> None:
    tables, field, words = WRONG[name]
    with pytest.raises(ScenarioError, match=words) as caught:
        SpectrumSetting.from_dict(tables, "mine.toml")
    assert caught.value.field == field
    assert caught.value.source == "mine.toml"
    assert "\n" not in str(caught.value)


def test_keys_can_be_asked_for_by_kind() -> None:
    assert "learning" in SpectrumSetting.keys_at(())
    assert all("kind" in SpectrumSetting.keys_at(("spectrum", kind)) for kind in SPECTRA)
    assert all("kind" in SpectrumSetting.keys_at(("method", kind)) for kind in METHODS)
    assert "delta" in SpectrumSetting.keys_at(("method", "discrete", "schedule", "etc"))


# What a setting builds


def test_methods_are_built_with_their_parameters() -> None:
    def built(**method: Any) -> object:
        return SpectrumSetting.from_dict({"method": method}).method.build()

    assert built(sigma=0.2, gamma=0.1) == StationaryLangevin(0.2, 0.1)
    assert built(sigma=0.2, gamma=0.1, steps=7, start="p_sigma") == Langevin(0.2, 0.1, 7, "p_sigma")
    assert built(kind="diffusion", scheme="Heun", points=9, eps=0.0, start="p_T", beta_end=7.0) == VPDiffusion(
        0.0, "p_T", 0.05, 7.0, "Heun", 9
    )
    assert built(kind="continuous", form="ODE", eps=0.01) == VPLimit(0.01, form="ODE")
    discrete = built(kind="discrete", sampler="DDIM", last=1, variance="beta", schedule={"kind": "cosine", "steps": 20})
    assert isinstance(discrete, DiscreteDiffusion)
    assert (discrete.scheme, discrete.last, discrete.schedule.steps) == ("DDIM", 1, 20)
    assert discrete.reverse_variance == "beta"


def test_path_of_a_spectrum_starts_at_the_folder_of_the_file(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", np.array([3.0, 1.0]))
    (tmp_path / "mine.toml").write_text('[spectrum]\nkind = "file"\npath = "mine.npy"\n', encoding="utf-8")
    found = find_setting(str(tmp_path / "mine.toml"))
    assert found.setting.spectrum.build(found.folder).eigenvalues.tolist() == [3.0, 1.0]
    with pytest.raises(ScenarioError, match="no such file") as caught:
        found.setting.spectrum.build()
    assert (caught.value.source, caught.value.field) == ("mine.npy", "spectrum.path")


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'digits'"):
        find_setting("digit")


# Built-in settings


def w2(setting: SpectrumSetting, **method: Any) -> float:
    """Return W2 with the exact score, with some parameters of the method changed."""
    chosen = setting.patched({"method": method}).method.build()
    values = setting.spectrum.build().eigenvalues
    return float(np.sqrt(((np.sqrt(chosen.produced(values)) - np.sqrt(values)) ** 2).sum()))


def shares(setting: SpectrumSetting) -> np.ndarray:
    values = setting.spectrum.build().eigenvalues
    parts = (np.sqrt(setting.method.build().produced(values)) - np.sqrt(values)) ** 2
    return parts / parts.sum()


@pytest.mark.parametrize("key", builtin_settings())
def test_builtin_settings_have_name_and_notes_and_round_trip(key: str) -> None:
    setting = load_builtin_setting(key)
    assert setting.name
    assert setting.notes.endswith(".")
    assert SpectrumSetting.from_toml(setting.to_toml()) == setting


def said(setting: SpectrumSetting, *numbers: str) -> None:
    for number in numbers:
        assert number in setting.notes


def test_note_on_langevin_is_true() -> None:
    setting = load_builtin_setting("langevin-power-law")
    said(setting, "0.268", "0.243", "0.031", "69 %")
    assert w2(setting) == pytest.approx(0.268, abs=5e-4)
    assert w2(setting, gamma=1e-9) == pytest.approx(0.243, abs=5e-4)
    assert w2(setting, sigma=1e-9) == pytest.approx(0.031, abs=5e-4)
    assert shares(setting)[4:].sum() == pytest.approx(0.69, abs=0.005)


def test_note_on_photographs_is_true() -> None:
    setting = load_builtin_setting("images")
    said(setting, "200 down to 0.006", "0.055", "70 %", "0.014", "27 times")
    assert setting.spectrum.build().eigenvalues[[0, -1]] == pytest.approx([200, 0.006], rel=0.02)
    assert w2(setting) == pytest.approx(0.055, abs=5e-4)
    assert shares(setting)[0] == pytest.approx(0.70, abs=0.005)
    truncated = VPLimit(1e-3, "p_T")
    values = setting.spectrum.build().eigenvalues
    alone = [
        float(np.sqrt(((np.sqrt(method.produced(values)) - np.sqrt(values)) ** 2).sum()))
        for method in (truncated, VPLimit(0.0, "N0"))
    ]
    assert alone[0] == pytest.approx(0.014, abs=5e-4)
    assert alone[0] / alone[1] == pytest.approx(27, abs=0.5)


def test_note_on_digits_is_true() -> None:
    setting = load_builtin_setting("digits")
    said(setting, "2.81", "0.72", "0.10", "three pixels")
    assert setting.spectrum.build().zeros == 3
    assert w2(setting) == pytest.approx(2.81, abs=5e-3)
    assert w2(setting, scheme="EM") == pytest.approx(0.72, abs=5e-3)
    assert w2(setting, scheme="RK4", points=26) == pytest.approx(0.10, abs=5e-3)


def test_note_on_a_texture_is_true() -> None:
    setting = load_builtin_setting("field")
    said(setting, "6.6", "three quarters", "0.47")
    assert w2(setting) == pytest.approx(6.6, abs=0.05)
    assert shares(setting)[512:].sum() == pytest.approx(0.75, abs=0.005)
    em = {"kind": "diffusion", "scheme": "EM", "points": 101, "sigma": None, "gamma": None}
    assert w2(setting, **em) == pytest.approx(0.47, abs=5e-3)


def test_note_on_a_large_step_is_true() -> None:
    setting = load_builtin_setting("unstable")
    said(setting, "5 smallest of 16", "infinite", "1.32", "0.37")
    values = setting.spectrum.build().eigenvalues
    assert setting.method.build().unstable(values).sum() == 5
    assert [w2(setting, gamma=gamma) for gamma in (0.3, 0.2, 0.02)] == pytest.approx([np.inf, 1.32, 0.37], abs=5e-3)


def test_note_on_heun_is_true() -> None:
    setting = load_builtin_setting("heun")
    said(setting, "2·10⁻⁷", "240", "1.38", "4.8", "0.18")
    assert setting.spectrum.build().eigenvalues[-1] == pytest.approx(2e-7, rel=0.1)
    for points, scheme, evaluations, expected in (
        (26, "Heun", 50, 240),
        (51, "Euler", 50, 1.38),
        (501, "Heun", 1000, 4.8),
        (1001, "Euler", 1000, 0.18),
    ):
        assert setting.patched({"method": {"points": points, "scheme": scheme}}).method.build().nfe == evaluations
        assert w2(setting, points=points, scheme=scheme) == pytest.approx(expected, rel=0.03)
