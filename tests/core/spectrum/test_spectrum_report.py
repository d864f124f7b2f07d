from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from core.drawing.style import COLUMN, INCH, Style
from core.errors import ScenarioError
from core.simulation.work import result_of
from core.spectrum.builtin import load_builtin_setting
from core.spectrum.figure import spectrum_figure
from core.spectrum.optimum import Budget, curve, optimum
from core.spectrum.prediction import SECOND_ORDER, predict
from core.spectrum.published import HEUN_REASON, published_table
from core.spectrum.published_text import text_table
from core.spectrum.report import FILES, write_spectrum_report
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import simulate_setting
from core.spectrum.spectra import power_law
from core.spectrum.summary import summary_lines
from core.spectrum.views import PICTURES, block_means, clouds, sample_pictures

SETTING = SpectrumSetting.from_dict(
    {
        "name": "Small, $x$",
        "spectrum": {"kind": "power law", "dimension": 3},
        "method": {"kind": "langevin", "sigma": 0.4, "gamma": 0.05},
        "learning": {"samples": 200},
    }
)


def test_report_says_the_kind_of_every_number(tmp_path: Path) -> None:
    data = SETTING.spectrum.build()
    prediction = predict(SETTING, data)
    *_, simulated = simulate_setting(SETTING, data, repeats=30, seed=1)
    drawn = result_of(curve(SETTING, "method.sigma", data, np.array([0.2, 0.4])))
    best = result_of(optimum(SETTING, Budget(), data))
    write_spectrum_report(prediction, tmp_path / "out", simulated, drawn, best)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(FILES)
    content = json.loads((tmp_path / "out" / "spectrum.json").read_text(encoding="utf-8"))
    assert SpectrumSetting.from_dict(content["setting"]) == SETTING
    assert content["w2"] == {"value": prediction.w2, "kind": SECOND_ORDER, "infinite": False}
    assert [entry["kind"] for entry in content["budget"]] == ["exact", "exact", "second order"]
    assert content["simulation"]["w2_squared"]["repeats"] == 30
    assert content["simulation"]["kind"] == "simulated mean ± standard error"
    assert content["curve"]["values"] == [0.2, 0.4]
    assert "method.sigma" in content["best"]["values"]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "spectrum.csv").read_text(encoding="utf-8"))))
    assert [float(row["produced_exact_score"]) for row in rows] == prediction.produced.tolist()
    assert float(rows[0]["produced_simulated_stderr"]) > 0


def test_summary_names_sources_and_kinds() -> None:
    data = SETTING.spectrum.build()
    *_, simulated = simulate_setting(SETTING, data, repeats=30, seed=1)
    text = "\n".join(summary_lines(predict(SETTING, data), simulated))
    for words in (
        "(prediction, second order)",
        "(exact)",
        "(simulated mean ± standard error, 30 repeats)",
        "second order",
    ):
        assert words in text
    assert "infinitely many steps" in text.splitlines()[1]
    assert text.index("noise") < text.index("discretisation") < text.index("generalisation")


@pytest.mark.parametrize("key", ["unstable", "field", "digits"])
def test_figures_of_what_is_infinite_or_zero_are_drawn(key: str) -> None:
    setting = load_builtin_setting(key)
    prediction = predict(setting, setting.spectrum.build())
    narrow = spectrum_figure(prediction, style=Style("paper", COLUMN))
    assert narrow.get_size_inches()[0] == pytest.approx(COLUMN / INCH)
    assert len({axes.get_position().x0 for axes in narrow.axes}) == 1, "panels below each other"
    figure = spectrum_figure(prediction)
    figure.canvas.draw()
    assert len(figure.axes) == 3


def test_table_shows_heun_twice_and_says_why() -> None:
    values = power_law(5).eigenvalues
    table = text_table(values)
    assert any(HEUN_REASON in note for note in table.notes)
    names = [row[1] for row in table.rows]
    assert names.count("Heun") == names.count("Heun, as published") == 4
    assert all(len(row) == len(table.header) == 12 for row in table.rows)
    cell = next(
        each
        for each in published_table(values)
        if (each.scheme, each.eps, each.column, each.start) == ("EM", 0.0, 50, "N0")
    )
    row = dict(zip(table.header, table.rows[0], strict=True))
    assert row["scheme"] == "EM"
    assert float(row["50, N(0, I)"]) == pytest.approx(cell.w2, rel=5e-3)
    assert len({len(line) for line in table.lines()[2:5]}) == 1


def test_other_panels_show_the_prediction() -> None:
    digits = load_builtin_setting("digits")
    prediction = predict(digits, digits.spectrum.build())
    (heat,) = spectrum_figure(prediction, what="kernel").axes[0].collections
    _, means = block_means(prediction.spectrum.eigenvalues, prediction.produced)
    np.testing.assert_array_equal(np.ma.filled(heat.get_array(), 0).reshape(means.shape), np.where(means > 0, means, 0))
    axes = spectrum_figure(prediction, what="clouds").axes[0]
    found = clouds(prediction)
    np.testing.assert_array_equal(np.asarray(axes.lines[0].get_xydata()).T, found.points[0])
    ring = np.asarray(axes.lines[1].get_xydata())
    assert ring[:, 0].max() == pytest.approx(float(found.widths[0][0, 0]))
    pictures = spectrum_figure(prediction, what="pictures").axes[0].images
    levels = sample_pictures(prediction)
    assert levels is not None
    assert len(pictures) == 2 * PICTURES
    np.testing.assert_array_equal(pictures[0].get_array(), levels[0, 0])
    plain = load_builtin_setting("heun")
    with pytest.raises(ScenarioError, match="not one of pictures"):
        spectrum_figure(predict(plain, plain.spectrum.build()), what="pictures")
    with pytest.raises(ScenarioError, match="no curve"):
        spectrum_figure(predict(plain, plain.spectrum.build()), what="curve")
