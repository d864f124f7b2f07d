from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli.commands import main
from app.cli.study import STORE
from core.studies import execute as execution
from core.studies.export import FILES
from core.studies.measure import measure
from core.studies.store import Store
from core.studies.study import Cell, Study

CELLS = 10
ROOT = Path(__file__).parents[3]
TEXT = """
name = "Noise"
metrics = ["kl", "bound", "diverged"]
base = "one-gaussian"
[[axes]]
knob = "noise"
from = 0.05
to = 2.0
points = 10
spacing = "log"
[changes.run]
particles = 20000
[changes.schedule]
steps = 60
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def rows(folder: Path, file: Path) -> list[Any]:
    with Store.open(folder / STORE, Study.load(file).fixed()) as store:
        return [(each.cell, sorted(map(repr, each.rows)), each.reason) for each in store.cells()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the study, measured without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    file = folder / "study.toml"
    file.write_text(TEXT, encoding="utf-8")
    assert main(["study", str(file), "--out", str(folder / "out"), "--jobs", "1"]) == 0
    return folder / "out"


def test_study_writes_tables_and_figures_and_costs_nothing_again(
    file: Path, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    shutil.copytree(whole, out)
    assert {path.name for path in out.iterdir()} == {STORE, *FILES}
    before = (out / "study.csv").read_bytes()
    start = time.perf_counter()
    assert main(["study", str(file), "--out", str(out)]) == 0
    assert time.perf_counter() - start < 60
    assert "10 of 10 cells are there already" in capsys.readouterr().err
    assert (out / "study.csv").read_bytes() == before
    file.write_text(TEXT.replace("points = 10", "points = 3"), encoding="utf-8")
    assert main(["study", str(file), "--out", str(out), "--jobs", "1"]) == 0
    assert "8 stored cells do not belong to the study" in capsys.readouterr().err


def test_fewer_replicates_are_a_part_of_the_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "study.toml", str(tmp_path / "out")
    file.write_text(TEXT.replace("points = 10", "points = 2").replace(', "diverged"', "") + "[replicates]\ncount = 3\n")
    assert main(["study", str(file), "--out", out, "--replicates", "1"]) == 0
    assert main(["study", str(file), "--out", out]) == 0
    assert "2 of 6 cells are there already" in capsys.readouterr().err
    assert main(["study", str(file), "--out", out, "--replicates", "100000"]) == 2


def test_killed_study_is_continued_and_equals_an_uninterrupted_one(file: Path, whole: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app", "study", str(file), "--out", str(tmp_path / "killed"), "--jobs", "2"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    store = tmp_path / "killed" / STORE
    while not (store.exists() and rows(tmp_path / "killed", file)):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert len(rows(tmp_path / "killed", file)) < CELLS
    assert main(["study", str(file), "--out", str(tmp_path / "killed"), "--jobs", "1"]) == 0
    assert rows(tmp_path / "killed", file) == rows(whole, file)
    for name in ("study.csv", "study.svg", "study.pdf"):
        assert (tmp_path / "killed" / name).read_bytes() == (whole / name).read_bytes()


def test_failed_cells_are_counted_and_retried(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = TEXT.replace('from = 0.05\nto = 2.0\npoints = 10\nspacing = "log"', "values = [-1.0, 0.5]")
    file.write_text(text, encoding="utf-8")
    command = ["study", str(file), "--out", str(tmp_path / "out"), "--jobs", "1"]
    assert main(command) == 2
    assert "1 of 2 cells failed" in capsys.readouterr().err
    measured: list[Cell] = []
    monkeypatch.setattr(execution, "measure", lambda study, cell, _: (measured.append(cell), measure(study, cell))[1])
    assert main([*command, "--retry"]) == 2
    assert [cell.place for cell in measured] == [(-1.0,)]


WRONG = {
    "no study": (["study"], "STUDY"),
    "unknown study": (["study", "noize"], "did you mean 'noise'"),
    "a folder": (["study", "."], "no such file or built-in study"),
    "no processes": (["study", "noise", "--jobs", "0"], "--jobs"),
    "a scenario file": (["study", str(ROOT / "resources/scenarios/ring.toml")], "there is no key"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_command_lines_give_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command, words = WRONG[name]
    assert main(command) == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_unreachable_scheduler_is_named(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> Iterator[None]:
        yield from ()
        raise OSError("timed out")

    monkeypatch.setattr("core.studies.execute.execute", fail)
    assert main(["study", str(file), "--out", str(tmp_path / "out"), "--dask", "tcp://host:1"]) == 2
    assert "--dask: cannot reach a scheduler at tcp://host:1 (timed out)" in capsys.readouterr().err
