"""Texts from users and files are never markup, formulas, paths or control codes, wherever they are shown."""

from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from core.errors import ScenarioError
from core.reporting.report import write_report
from core.runs.experiment import Experiment
from core.scenario.scenario import Scenario
from core.studies.sweep import Sweep
from core.studies.sweep_files import write_sweeps
from core.text.user_text import cell_text, figure_text, file_name, one_line, plain, quoted, terminal_text
from tests.nasty import NASTY

ANY = st.one_of(st.sampled_from(NASTY), st.text(), st.characters().map(lambda char: 3 * char))


@given(ANY)
def test_plain_text_has_no_invisible_characters(text: str) -> None:
    for made in (plain(text), terminal_text(text), one_line(text)):
        assert not {unicodedata.category(char) for char in made if char not in "\n\t\u200d"} & {"Cc", "Cf", "Cs", "Zl"}
        made.encode()
    assert "\n" not in one_line(text)
    assert len(one_line(text, 50)) <= 50


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=100))
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert plain(text) == terminal_text(text) == text


@pytest.mark.parametrize("text", NASTY)
def test_figure_text_is_not_parsed_as_math(text: str) -> None:
    figure = Figure()
    canvas = FigureCanvasAgg(figure)
    drawn = figure.text(0.1, 0.1, figure_text(text))
    canvas.draw()
    shown, is_mathematics = drawn._preprocess_math(drawn.get_text())
    assert not is_mathematics
    assert shown == one_line(text)


@given(ANY)
def test_csv_cell_is_never_a_formula(text: str) -> None:
    written = io.StringIO()
    csv.writer(written).writerow([cell_text(text), 1.5])
    ((cell, number),) = csv.reader(io.StringIO(written.getvalue()))
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert number == "1.5"
    assert cell.lstrip("'") == one_line(text).lstrip("'")


@given(ANY)
def test_file_name_is_safe_on_every_system(text: str) -> None:
    name = file_name(text)
    assert name
    assert len(name) <= 80
    assert not set(name) & set('/\\:*?"<>|\0\n')
    assert not name.startswith(".")
    assert not name.endswith((".", " "))
    assert name.upper() not in {"CON", "NUL", "AUX", "PRN", "COM1"}
    assert Path("runs", name).resolve().parent == Path("runs").resolve()


VALUES: tuple[object, ...] = ("a" * 10**6, 10**5000, -(10**4400), ["x" * 500], 1.5, True, "it's", "\x1b[0m")


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_quoted_value_in_error_is_short(value: object) -> None:
    said = quoted(value)
    assert len(said) <= 60
    assert "\x1b" not in said


def test_error_is_one_bounded_line_for_any_content() -> None:
    error = ScenarioError("a\x1b[31m.toml\n", "k" * 10**5, "there is no key\n" * 10**5)
    assert "\x1b" not in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 2500


def scenario(text: str) -> Scenario:
    return Scenario.from_dict(
        {
            "name": text,
            "notes": text,
            "prior": {"weights": [1.0], "means": [[0.0, 0.0]], "covariances": [[[1.0, 0.0], [0.0, 1.0]]]},
            "measurement": {"matrix": [[1.0, 0.0]], "value": [0.5], "noise": 0.3},
            "schedule": {"steps": 5},
            "samplers": {"own": {"kind": "ddnm", "label": text}},
            "run": {"samplers": ["own", "exact"], "particles": 20, "paths": 20, "kl_rounds": 0, "device": "cpu"},
        }
    )


@pytest.mark.parametrize("text", NASTY[:8])
def test_run_with_hostile_name_writes_report(text: str, tmp_path: Path) -> None:
    experiment = Experiment(scenario(text), keep_frames=False)
    for _ in experiment.run():
        pass
    write_report(experiment.results, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.csv", "evidence.png", "report.json"]


def test_sweep_with_hostile_names_writes_files(tmp_path: Path) -> None:
    sweeps = [Sweep(scenario(text), [4, 5]) for text in NASTY[:6]]
    for sweep in sweeps:
        for _ in sweep.run():
            pass
    write_sweeps(sweeps, tmp_path)
    with (tmp_path / "sweep.csv").open(newline="", encoding="utf-8") as file:
        names = {row["scenario"] for row in csv.DictReader(file)}
    assert names == {cell_text(text) for text in NASTY[:6]}
