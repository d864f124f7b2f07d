"""Numbers of a run as files: tables in three forms, and arrays that hold the results."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pytest

from core.errors import ScenarioError
from core.figures.numbers import array_columns, run_table
from core.runs.results import Results
from core.text.table_files import csv_bytes, latex_text, npz_bytes

from .conftest import made


def test_latex_table_escapes_every_special_character(plane: Results) -> None:
    text = run_table(plane, 9, "latex")
    comment, start, *rows, end = text.splitlines()
    assert comment.startswith("% A & B")
    assert start.startswith(r"\begin{tabular}{lr")
    assert end == r"\end{tabular}"
    assert rows[0] == r"\toprule"
    assert rows[-1] == r"\bottomrule"
    body = [row for row in rows if row.endswith(r"\\")]
    columns = {len(re.findall(r"(?<!\\)&", row)) for row in body}
    assert columns == {start.count("r") - start.count("tabular")}, "user's & is no separator"
    assert r"D\$NM\_1 \& \textless{}i\textgreater{}" in text
    assert all(ord(char) < 128 for row in body for char in row), "no sign that needs an encoding"
    for row in body:
        assert len(re.findall(r"(?<!\\)\$", row)) % 2 == 0
        assert row.count("{") - row.count(r"\{") == row.count("}") - row.count(r"\}")


def test_latex_text_of_signs() -> None:
    assert latex_text("(1.2 ± 0.3)·10⁻⁵") == r"(1.2 $\pm$ 0.3)$\cdot$10$^{-5}$"
    assert latex_text("W₂² at σ_y = ε_y") == r"W$_{2}$$^{2}$ at $\sigma_y$ = $\varepsilon$\_y"
    assert latex_text(r"a\b~^|x₁") == r"a\textbackslash{}b\textasciitilde{}\textasciicircum{}\textbar{}x$_{1}$"


def test_markdown_and_tsv_have_a_row_for_each_sampler_with_kind_and_error(plane: Results) -> None:
    words = run_table(plane, 9, "markdown")
    title, _, *rows = words.splitlines()
    assert r"A & B" not in title
    assert len(rows) == 2 + len(plane.samplers)
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    table = list(csv.reader(io.StringIO(run_table(plane, 9, "tsv")), delimiter="\t"))
    assert table[0][:3] == ["sampler", "KL", "kind of KL"]
    assert [row[1] for row in table[1:]] == [plane.kl.at(index, 9).text for index in range(3)]
    assert "±" in table[1][3]


def test_curves_hold_the_results_with_errors_and_kinds(plane: Results) -> None:
    columns = array_columns(plane, "curves", None)
    assert set(map(len, columns.values())) == {3 * 11}
    at = (columns["sampler"] == "mine") & (columns["t"] == 1)
    assert columns["bound"][at] == plane.terms.value["bound"][0, 9]
    assert columns["bound_stderr"][at] == plane.terms.error["bound"][0, 9]
    assert columns["kl"][at] == plane.kl.at(0, 9).value
    assert columns["kl_kind"][at] == "computed"
    rows = list(csv.DictReader(io.StringIO(csv_bytes(columns).decode())))
    assert float(rows[9]["bound"]) == plane.terms.value["bound"][0, 9]


def test_particles_and_law_of_one_t_or_all(plane: Results) -> None:
    one, every = (array_columns(plane, "particles", frame) for frame in (9, None))
    assert len(one["t"]) * 11 == len(every["t"])
    found = np.load(io.BytesIO(npz_bytes(one)))
    np.testing.assert_array_equal(found["x2"][60:120], plane.trace.particles(1, 9)[1].numpy())
    assert list(found["particle"][:2]) == [0, 1]
    law = array_columns(plane, "law", 9)
    frame = plane.law(0, 9)
    assert frame is not None
    own = law["sampler"] == "mine"
    assert own.sum() == frame.log_density.size
    cell = frame.axes[0].spacing * frame.axes[1].spacing
    assert np.exp(law["log_density"][own]).sum() * cell == pytest.approx(1, abs=0.02), (
        "coordinates of the law's density"
    )
    points = np.stack([law["x1"], law["x2"]])[:, own]
    mean = (points * np.exp(law["log_density"][own])).sum(1) * cell
    np.testing.assert_allclose(mean, plane.computed[0].measures[1].mean, atol=0.02)


def test_bracket_has_limits_and_estimates(space: Results) -> None:
    assert space.bracket is not None
    columns = array_columns(space, "bracket", None)
    assert tuple(columns["t"][: len(space.bracket.times)]) == tuple(space.bracket.times)
    first = columns["sampler"] == "ddnm"
    assert (columns["lower"][first] <= columns["upper"][first]).all()
    assert "reverse" in columns["kind"][~first]


def test_what_a_run_lacks_is_refused_in_a_sentence(space: Results) -> None:
    with pytest.raises(ScenarioError, match="no sampler's law is known: laws are computed in up to 2 dimensions"):
        array_columns(space, "law", 9)
    small = made(run={"samplers": ["exact"], "particles": 5, "paths": 5, "kl_rounds": 0, "device": "cpu"})
    with pytest.raises(ScenarioError, match="has no bracket"):
        array_columns(small, "bracket", None)


def test_npz_of_equal_runs_is_equal(space: Results) -> None:
    columns = array_columns(space, "curves", None)
    assert npz_bytes(columns) == npz_bytes(columns)
