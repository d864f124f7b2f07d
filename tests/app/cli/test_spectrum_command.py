from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.cli.commands import main

SMALL = """
name = "Small"
[spectrum]
kind = "file"
path = "values.txt"
[method]
kind = "diffusion"
points = 20
[learning]
samples = 100
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "small.toml").write_text(SMALL, encoding="utf-8")
    np.savetxt(tmp_path / "here" / "values.txt", [1.0, 0.5])
    return tmp_path


def test_setting_is_predicted_simulated_and_reported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--simulate", "5", "--seed", "3", "--vary", "method.eps", "--best", "--nfe", "12"]
    assert main(["spectrum", "here/small.toml", "--out", "out", *options]) == 0
    content = json.loads((folder / "out" / "spectrum.json").read_text(encoding="utf-8"))
    assert content["spectrum"]["dimension"] == 2
    assert content["simulation"]["w2_squared"]["repeats"] == 5
    assert content["curve"]["parameter"] == "method.eps"
    assert content["best"]["values"]["method.points"] <= 13
    said = capsys.readouterr().out
    for words in ("generalisation", "5 repeats", "Best within the budget", str(Path("out") / "spectrum.json")):
        assert words in said


def test_builtin_setting_goes_to_a_folder_of_its_name(folder: Path) -> None:
    assert main(["spectrum", "langevin-power-law"]) == 0
    assert (folder / "runs" / "langevin-power-law" / "spectrum.png").is_file()


def test_table_of_a_file_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spectrum", "--table", "here/values.txt"]) == 0
    said = capsys.readouterr().out
    assert "Heun, as published" in said
    assert "twice the stated number" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give either SETTING or --table SPECTRUM"),
        (["vp-em", "--table", "x"], "give either SETTING or --table SPECTRUM"),
        (["vp-rm"], "did you mean 'vp-em'"),
        (["vp-em", "--vary", "method.sigma"], "vp-em: method.sigma: cannot be varied here"),
        (["--table", "none.npy"], "none.npy: cannot be read (no such file or directory)"),
    ],
)
def test_mistakes_are_one_sentence(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spectrum", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
