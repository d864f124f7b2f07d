"""The command export: files, options, sources, and errors in one sentence."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path

import pytest

from app.cli.commands import main
from core.figures.code import command_line
from core.scenario.scenario import Scenario
from core.snapshot.carrier import read_snapshot
from core.snapshot.snapshot import Snapshot
from core.snapshot.view import LensAim, View

SCENARIO = """
name = "small"
[prior]
weights = [1.0]
means = [[-1.0, 0.5]]
covariances = [[[0.5, 0.1], [0.1, 0.3]]]
[measurement]
matrix = [[1.0, 0.5]]
noise = 0.3
value = [0.2]
[schedule]
steps = 8
[run]
samplers = ["ddnm", "exact"]
particles = 30
paths = 10
kl_rounds = 0
device = "cpu"
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def test_figure_is_written_in_several_formats_and_drawn_again_from_one(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        "export figure small.toml --out a.svg --out a.png --dpi 72 --t 3 --width column --overlays target,law --serif"
    )
    assert main(words.split()) == 0
    assert capsys.readouterr().out == "Written: a.svg\nWritten: a.png\n"
    found = read_snapshot(Path("a.png"))
    assert found.view == View(t=3, overlays=("target", "law"))
    assert Scenario.from_toml(found.toml) == Scenario.from_toml(small.read_text(encoding="utf-8"))
    assert main(["export", "figure", "a.png", "--out", "b.svg", "--dpi", "72", "--width", "column", "--serif"]) == 0
    assert Path("a.svg").read_bytes() == Path("b.svg").read_bytes(), "the view is the default of the options"
    assert main(["export", "figure", found.to_text(), "--what", "headline", "--linear", "--out", "c.pdf"]) == 0
    assert read_snapshot(Path("c.pdf")).view == View(t=3, overlays=("target", "law"), logarithmic=False)


def test_command_of_a_view_draws_the_same_figure(small: Path) -> None:
    assert small.exists()
    view = View(
        t=3,
        overlays=("mismatch", "weights", "twins", "lens"),
        lens=LensAim(sampler="ddnm", place=(-1.0, 0.25)),
        part="measured",
        enlarged="ddnm",
        extent=(-2.0, 1.0, -1.0, 2.0),
        time_axis="log t",
        logarithmic=False,
        details="Weights",
    )
    words = shlex.split(command_line("small.toml", view, "page"))
    assert main([*words[1:], "--out", "a.svg", "--dpi", "72"]) == 0
    assert read_snapshot(Path("a.svg")).view == view
    snapshot = Snapshot("scenario", small.read_text(encoding="utf-8"), view).to_text()
    assert main(["export", "figure", snapshot, "--what", "page", "--out", "b.svg", "--dpi", "72"]) == 0
    drawn = [Path(name).read_bytes().partition(b"</metadata>")[2] for name in ("a.svg", "b.svg")]
    assert drawn[0] == drawn[1]
    assert b"<image" in drawn[0], "the heat map"


def test_numbers_are_printed_or_written(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert small.exists()
    assert main(["export", "numbers", "small.toml"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].startswith("sampler\tKL\tkind of KL")
    assert len(table) == 3
    assert main(["export", "numbers", "small.toml", "--what", "curves", "--out", "curves.csv"]) == 0
    with Path("curves.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["t"] for row in rows[:9]] == [str(t) for t in range(8, -1, -1)]
    assert main(["export", "numbers", "small.toml", "--what", "particles", "--every-t", "--out", "p.npz"]) == 0
    assert main(["export", "numbers", "small.toml", "--what", "report", "--out", "r.json"]) == 0
    assert Path("r.json").stat().st_size > 1000
    assert main(["export", "numbers", "small.toml", "--out", "t.tex", "--t", "2"]) == 0
    assert "at t = 2" in Path("t.tex").read_text(encoding="utf-8")


def test_code_is_printed_in_each_form(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert small.exists()
    assert main(["export", "code", "small.toml", "--t", "2"]) == 0
    assert "results.at(2)" in capsys.readouterr().out
    assert main(["export", "code", "small.toml", "--as", "command"]) == 0
    assert capsys.readouterr().out.startswith("mismatch-lab export figure small.toml --what page --t 1")
    assert main(["export", "code", "small.toml", "--as", "snapshot", "--out", "s.txt"]) == 0
    assert Snapshot.from_text(Path("s.txt").read_text(encoding="utf-8")).view.t == 1


def test_spectrum_is_drawn_and_a_study_needs_its_rows(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert small.exists()
    assert main(["export", "figure", "heun", "--out", "h.pdf", "--width", "column"]) == 0
    found = read_snapshot(Path("h.pdf"))
    assert (found.kind, found.view.vary) == ("spectrum", "method.points")
    assert main(["export", "figure", "h.pdf", "--what", "curve", "--vary", "method.eps", "--out", "c.svg"]) == 0
    assert read_snapshot(Path("c.svg")).view.vary == "method.eps"
    assert main(["export", "numbers", "heun", "--what", "eigenvalues", "--out", "e.csv"]) == 0
    assert Path("e.csv").read_text(encoding="utf-8").startswith("rank,eigenvalue,produced_exact_score")
    assert main(["export", "code", "heun", "--as", "command"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "mismatch-lab export figure heun --what page"
    capsys.readouterr()
    assert main(["export", "figure", "noise", "--out", "n.pdf"]) == 2
    assert "give the file study.sqlite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("figure small.toml --out a.eps", "must end in .svg, .pdf or .png"),
        ("figure small.toml --what pannels", "there is no 'pannels'; did you mean 'panel"),
        ("figure small.toml --t 9", "--t: must be at most T = 8 (is 9)"),
        ("figure small.toml --sampler ddmn", "--sampler: 'ddmn' does not run; did you mean 'ddnm'"),
        ("figure small.toml --plane x9", "--plane: there is no plane 'x9'; there are x₁, x₂"),
        ("figure small.toml --overlays trials", "overlays"),
        ("figure small.toml --extent 1,2", "extent"),
        ("figure small.toml --lens ddnm", "--lens: must be a sampler and a particle's number"),
        ("figure small.toml --lens ddnm,0", "lens.particle"),
        ("figure small.toml --width 5", "millimetres from 60 to 1000"),
        ("figure missing --out a.pdf", "missing"),
        ("numbers small.toml --what curves --out a.tex", "curves is written to files that end in .csv or .npz"),
        (
            "figure heun --what panels",
            "there is no 'panels'; did you mean 'page'? allowed: page, spectrum, shares, budget, curve, kernel, clouds",
        ),
        ("figure heun --vary method.sigma", "method.sigma: cannot be varied here"),
        ("numbers heun --what particles", "there is no 'particles'"),
        ("numbers noise", "measure it by `mismatch-lab study`"),
        ("numbers small.toml --what law --out a.csv --steps 0", "steps"),
        ("figure small.toml --out small.toml/a.pdf", "cannot be written"),
        ("code mismatch-lab:1:xyz", "not whole"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    words: str, sentence: str, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *words.split()]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert sorted(path.name for path in small.parent.iterdir()) == ["small.toml"]
