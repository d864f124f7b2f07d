from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from app.cli import display
from app.cli.commands import main
from core.samplers import SAMPLERS
from core.scenario.builtin import builtin_scenarios, load_builtin
from core.simulation.simulate import Trace

QUICK = ["--steps", "12", "--particles", "20", "--paths", "20", "--rounds", "0"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def program(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "app", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


# Running


def test_run_writes_report_files_and_prints_kl_and_bound(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "one-gaussian", "--out", "out", *QUICK]) == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["curves.csv", "evidence.png", "report.json"]
    output = capsys.readouterr()
    assert output.err == ""
    assert "One Gaussian, every number exact" in output.out
    assert str(Path("out") / "report.json") in output.out
    content = json.loads(Path("out/report.json").read_text())
    for key, sampler in content["samplers"].items():
        line = next(line for line in output.out.splitlines() if line.startswith(SAMPLERS[key].about.label + " "))
        assert f"{sampler['at']['1']['kl']['value']:.3g}" in line
        assert f"{sampler['at']['1']['bound']:.3g}" in line


def test_summary_table_is_not_truncated_without_a_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "high-noise", *QUICK, "--samplers", ",".join(SAMPLERS)]) == 0
    output = capsys.readouterr().out
    assert "…" not in output
    header = next(line for line in output.splitlines() if line.startswith("sampler"))
    titles = ["sampler", "KL", "bound", "init", "disc", "var", "mismatch", "range", "null", "observed", "limit"]
    assert header.split() == titles
    assert len(header) < 110
    assert "kl: has no closed form; no bracket is computed (run.kl_rounds = 0)" in output
    assert (folder / "runs" / "high-noise" / "report.json").is_file()


def test_summary_table_has_footnotes_for_its_columns_and_dashes_for_missing_bounds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "one-gaussian", *QUICK, "--samplers", "ddnm,ddim"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for title in ("KL", "bound", "observed", "limit"):
        assert sum(line.startswith(f"{title}: ") for line in lines) == 1
    header, _, ddim = (line.split() for line in lines[2:5])
    assert ddim[0] == "DDIM"
    assert ddim[-len(header) + 4 :] == ["–"] * (len(header) - 4), "there is no bound, so no parts of one"


def test_sampler_fault_names_the_plugin_file_and_line(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.plugins.loader._loaded", {})
    monkeypatch.setitem(SAMPLERS, "mine", SAMPLERS["exact"])
    monkeypatch.delitem(SAMPLERS, "mine")  # whatever is loaded is forgotten after the test
    (folder / "mine.py").write_text("def mine(level, x):\n    return x[:, :1]\n")
    assert main(["run", "one-gaussian", *QUICK, "--plugin", "mine.py", "--samplers", "mine"]) == 2
    said = capsys.readouterr().err
    assert "mine.py: line 1: score must return a tensor of the points' shape" in said
    assert "one-gaussian" not in said


@pytest.mark.parametrize("command", [["run", "one-gaussian", *QUICK], ["sweep", "one-gaussian", "--steps", "5,10"]])
def test_progress_is_printed_as_lines_without_a_terminal(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.progress._LINE_SECONDS", 0.0)
    assert main(command) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 2
    assert all(line.startswith("One Gaussian, every number exact") and line.endswith(" s") for line in lines)


def test_options_override_the_scenario_file(folder: Path) -> None:
    path = folder / "own.toml"
    path.write_text(load_builtin("three-components").to_toml(), encoding="utf-8")
    options = ["--steps", "10", "--particles", "11", "--paths", "12", "--seed", "13", "--rounds", "0"]
    assert main(["run", str(path), *options, "--samplers", "exact, prior", "--device", "cpu"]) == 0
    scenario = json.loads((folder / "runs" / "own" / "report.json").read_text())["scenario"]
    assert scenario["schedule"] == {"kind": "etc", "steps": 10, "c": 4.0, "delta": 1e-3}
    assert scenario["run"] == {
        "samplers": ["exact", "prior"],
        "particles": 11,
        "paths": 12,
        "variance": "theory",
        "kl_error": 0.02,
        "kl_rounds": 0,
        "seed": 13,
        "device": "cpu",
    }


def test_equal_runs_write_identical_reports(folder: Path) -> None:
    for name in ("a", "b"):
        assert main(["run", "three-components", "--out", name, *QUICK]) == 0
    assert (folder / "a" / "report.json").read_bytes() == (folder / "b" / "report.json").read_bytes()
    assert (folder / "a" / "curves.csv").read_bytes() == (folder / "b" / "curves.csv").read_bytes()


def test_program_runs_elsewhere_and_replaces_what_the_output_encoding_lacks(folder: Path) -> None:
    result = subprocess.run(
        program("run", "three-components", *QUICK),
        env={**environment(), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "?" in result.stdout
    assert (folder / "runs" / "three-components" / "evidence.png").is_file()


# Errors

INVALID = {
    "unknown scenario": (["run", "three-component"], ["three-component", "did you mean 'three-components'"]),
    "unknown file": (["run", "none.toml"], ["none.toml", "no such file"]),
    "folder": (["run", "folder"], ["folder", "cannot be read"]),
    "no scenario": (["run"], ["SCENARIO"]),
    "not toml": (["run", "broken.toml"], ["broken.toml", "not valid TOML"]),
    "bad scenario": (["run", "bad.toml"], ["bad.toml", "prior.weights, component 2", "positive"]),
    "zero particles": (["run", "three-components", "--particles", "0"], ["run.particles", "is 0"]),
    "fractional particles": (["run", "three-components", "--particles", "1.5"], ["--particles", "1.5"]),
    "huge particles": (["run", "three-components", "--particles", "9" * 400], ["run.particles"]),
    "one path": (["run", "three-components", "--paths", "1"], ["run.paths"]),
    "one step": (["run", "three-components", "--steps", "1"], ["schedule.steps"]),
    "negative seed": (["run", "three-components", "--seed", "-1"], ["run.seed"]),
    "unknown sampler": (["run", "three-components", "--samplers", "exact,ddmn"], ["'ddmn'", "did you mean 'ddnm'"]),
    "no samplers": (["run", "three-components", "--samplers", ""], ["run.samplers"]),
    "duplicate sampler": (["run", "three-components", "--samplers", "exact,exact"], ["run.samplers", "twice"]),
    "unknown device": (["run", "three-components", "--device", "tpu"], ["run.device", "'cpu'", "'tpu'"]),
    "no cuda": (["run", "three-components", "--device", "cuda"], ["three-components", "run.device", "CUDA"]),
    "too much memory": (["run", "three-components", "--particles", "1000000000000"], ["run.particles", "GiB"]),
    "unknown option": (["run", "three-components", "--partices", "3"], ["--partices"]),
    "unknown option of the window": (["--bogus"], ["--bogus"]),
    "two scenarios": (["run", "three-components", "noiseless"], ["noiseless"]),
    "out is a file": (["run", "three-components", "--out", "broken.toml"], ["--out", "broken.toml", "not a folder"]),
    "out below a file": (["run", "three-components", "--out", "broken.toml/x"], ["--out", "not a folder"]),
    "unknown scenario to open": (["three-component"], ["did you mean 'three-components'"]),
    "bad scenario to open": (["bad.toml"], ["bad.toml", "prior.weights, component 2"]),
}


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize(("arguments", "words"), INVALID.values(), ids=INVALID.keys())
def test_invalid_arguments_print_one_sentence_exit_with_2_and_write_nothing(
    arguments: list[str],
    words: list[str],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("app.cli.commands.ensure_display", lambda: None)
    (folder / "folder").mkdir()
    (folder / "broken.toml").write_text("prior = [")
    text = load_builtin("three-components").to_toml().replace("0.35", "-0.35", 1)
    (folder / "bad.toml").write_text(text, encoding="utf-8")
    before = contents(folder)
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("mismatch-lab: ")
    assert output.err.count("\n") == 1
    for word in words:
        assert word in output.err
    assert contents(folder) == before


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a place where nobody can write")
def test_unwritable_output_folder_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "three-components", "--out", "/proc/report"]) == 2
    assert "--out: cannot write to /proc/report" in capsys.readouterr().err


def test_full_disk_is_reported_and_leaves_no_files(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.reporting.report._write_curves", fail)
    assert main(["run", "three-components", "--out", "out", *QUICK]) == 2
    assert capsys.readouterr().err == "mismatch-lab: --out: cannot write to out (no space left on device)\n"
    assert list(folder.iterdir()) == []


def test_cuda_out_of_memory_names_run_particles_and_leaves_no_files(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr(Trace, "write", fail)
    assert main(["run", "three-components", *QUICK]) == 2
    assert "run.particles: the memory of the CUDA device is too small" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_unexpected_exception_is_not_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(Trace, "write", fail)
    with pytest.raises(ValueError, match="a fault"):
        main(["run", "three-components", *QUICK])


def test_interrupt_exits_with_130_and_leaves_no_files(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trace, "write", interrupt)
    assert main(["run", "three-components", *QUICK]) == 130
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.strip() == "mismatch-lab: interrupted, nothing was written"
    assert list(folder.iterdir()) == []


# List and help


def test_list_prints_all_scenarios_and_samplers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    for key in builtin_scenarios():
        assert f"{key} {load_builtin(key).name}" in words
    for key, sampler in SAMPLERS.items():
        assert f"{key} {sampler.about.label} {sampler.about.summary}" in words
        assert sampler.about.formula.replace(" ", "") in words.replace(" ", "")
        assert sampler.about.source in words


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["list", "--help"], ["open", "--help"]])
def test_help_option_prints_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    output = capsys.readouterr().out
    assert output.startswith("Usage: mismatch-lab")
    assert "--help" in output


def test_run_help_lists_all_override_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    output = capsys.readouterr().out
    for option in ("--out", "--particles", "--paths", "--steps", "--seed", "--samplers", "--device"):
        assert option in output


def test_version_option_prints_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("mismatch-lab, version ")


def test_help_imports_neither_torch_nor_qt_nor_matplotlib_nor_rich() -> None:
    code = (
        "import sys; from app.cli.commands import main; main(['--help'])\n"
        "sys.exit(bool({'torch', 'PySide6', 'matplotlib', 'rich'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], env=environment(), check=False).returncode == 0


# Opening the window


@pytest.mark.parametrize(
    ("arguments", "name"),
    [([], "three-components"), (["noiseless"], "noiseless"), (["open", "noiseless"], "noiseless")],
)
def test_window_opens_the_default_or_named_builtin_scenario(
    arguments: list[str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = pytest.importorskip("app.window.start")
    opened: list[tuple[object, Path | None]] = []

    def open_window(*given: object) -> int:
        opened.append(given)  # type: ignore[arg-type]
        return 3

    monkeypatch.setattr("app.cli.commands.ensure_display", lambda: None)
    monkeypatch.setattr(window, "open_window", open_window)
    assert main(arguments) == 3
    assert opened == [(load_builtin(name), None, None)]


def test_window_opens_a_scenario_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    window = pytest.importorskip("app.window.start")
    path = folder / "own.toml"
    path.write_text(load_builtin("noiseless").to_toml(), encoding="utf-8")
    monkeypatch.setattr("app.cli.commands.ensure_display", lambda: None)
    monkeypatch.setattr(window, "open_window", lambda scenario, path, _: 7 if path and scenario.name else 0)
    assert main(["own.toml"]) == 7


def test_unknown_scenario_is_reported_without_a_display(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main(["three-component"]) == 2
    assert "did you mean 'three-components'" in capsys.readouterr().err


def test_missing_display_error_names_the_headless_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise display.NoDisplayError(f"there is no display; {display.HEADLESS}")

    monkeypatch.setattr("app.cli.commands.ensure_display", refuse)
    assert main([]) == 2
    assert "mismatch-lab run SCENARIO --out DIR" in capsys.readouterr().err
