from __future__ import annotations

import csv
from pathlib import Path

import pytest

from app.cli.commands import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def swept(path: Path) -> list[tuple[str, int]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [(row["scenario"], int(row["steps"])) for row in csv.DictReader(file) if row["sampler"] == "exact"]


def test_sweep_of_two_scenarios_writes_figure_and_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "one-gaussian", "liang-gaussian", "--steps", "10, 30", "--out", "out"]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert str(Path("out") / "sweep.png") in output.out
    assert (folder / "out" / "sweep.png").stat().st_size > 10_000
    names = ["One Gaussian, every number exact", "Liang et al.: one Gaussian, little noise"]
    assert swept(folder / "out" / "sweep.csv") == [(name, steps) for name in names for steps in (10, 30)]


def test_steps_option_accepts_a_progression(folder: Path) -> None:
    assert main(["sweep", "liang-gaussian", "--steps", "10,20,...,45"]) == 0
    assert [steps for _, steps in swept(folder / "runs" / "sweep" / "sweep.csv")] == [10, 20, 30, 40]


INVALID = {
    "no scenario": (["sweep"], ["SCENARIO"]),
    "unknown scenario": (["sweep", "liang-gausian"], ["did you mean 'liang-gaussian'"]),
    "unknown second scenario": (["sweep", "one-gaussian", "zzz"], ["zzz", "no such file"]),
    "not a number": (["sweep", "one-gaussian", "--steps", "10,x"], ["--steps", "whole numbers", "10,x"]),
    "empty list": (["sweep", "one-gaussian", "--steps", ""], ["--steps", "whole numbers"]),
    "progression without end": (["sweep", "one-gaussian", "--steps", "10,20,..."], ["--steps", "whole numbers"]),
    "progression with zero stride": (
        ["sweep", "one-gaussian", "--steps", "10,10,...,20"],
        ["--steps", "whole numbers"],
    ),
    "progression away from its end": (["sweep", "one-gaussian", "--steps", "20,10,...,30"], ["steps", "at least one"]),
    "one step": (["sweep", "one-gaussian", "--steps", "1,10"], ["one-gaussian", "schedule.steps"]),
    "too long progression": (
        ["sweep", "one-gaussian", "--steps", "5,6,...,100000000"],
        ["--steps", "at most 1000", "99999996"],
    ),
    "end of 4000 digits": (["sweep", "one-gaussian", "--steps", f"5,6,...,1{'0' * 4000}"], ["--steps", "at most 1000"]),
    "too long decreasing progression": (
        ["sweep", "one-gaussian", "--steps", "9000000,8999999,...,2"],
        ["--steps", "at most 1000"],
    ),
    "too long list": (["sweep", "one-gaussian", "--steps", ",".join(["7"] * 30_000)], ["--steps", "1000", "30000"]),
    "too many digits": (["sweep", "one-gaussian", "--steps", "9" * 5000], ["--steps", "whole numbers"]),
    "more steps than a schedule has": (["sweep", "one-gaussian", "--steps", "5,900000"], ["schedule.steps", "100000"]),
    "more scenarios than a figure holds": (["sweep", *["one-gaussian"] * 41], ["SCENARIO...", "at most 40"]),
    "out is a file": (["sweep", "one-gaussian", "--out", "taken"], ["--out", "taken", "not a folder"]),
}


@pytest.mark.parametrize(("arguments", "words"), INVALID.values(), ids=INVALID.keys())
def test_invalid_arguments_print_one_sentence_exit_with_2_and_write_nothing(
    arguments: list[str], words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "taken").write_text("")
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("mismatch-lab: ")
    assert output.err.count("\n") == 1
    for word in words:
        assert word in output.err
    assert [path.name for path in folder.iterdir()] == ["taken"]


def test_full_disk_is_reported_and_leaves_no_files(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.studies.sweep_files._write_numbers", fail)
    assert main(["sweep", "liang-gaussian", "--steps", "10", "--out", "out"]) == 2
    assert capsys.readouterr().err == "mismatch-lab: --out: cannot write to out (no space left on device)\n"
    assert list(folder.iterdir()) == []


def test_sweep_help_lists_arguments_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "--help"]) == 0
    output = capsys.readouterr().out
    assert "SCENARIO..." in output
    assert "--steps" in output
    assert "--out" in output
