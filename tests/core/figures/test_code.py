"""Code of a run: the script prints the same numbers, and the command is quoted for a shell."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from core.figures.code import command_line, needed_plugins, python_script
from core.plugins.loader import load_exactly, load_plugin
from core.runs.results import Results
from core.scenario.scenario import Scenario
from core.snapshot.view import View

ROOT = Path(__file__).parents[3]


def test_script_prints_exactly_the_numbers_of_the_run(plane: Results) -> None:
    script = python_script(plane.scenario, View(t=3))
    done = subprocess.run([sys.executable, "-"], input=script, cwd=ROOT, capture_output=True, text=True, check=True)
    expected = [
        f"{key}: KL {found.kl.text} ({found.kl.kind}), bound {found.terms['bound']}"
        for key, found in plane.at(3).items()
    ]
    assert done.stdout.splitlines() == expected


@pytest.mark.parametrize("name", ['"""', "'''", "a\\b", "ends in '", 'x"; import os; "'])
def test_script_holds_any_name_as_data(name: str, plane: Results) -> None:
    scenario = plane.scenario.model_copy(update={"name": name})
    script = python_script(scenario, View())
    found: dict[str, object] = {}
    head, _, rest = script.partition("scenario = ")
    assert "import os" not in head.partition("\n")[2], "only within its first line, a docstring"
    exec(compile(head + "scenario = " + rest.partition("\nresults")[0], "script", "exec"), found)
    assert isinstance(found["scenario"], Scenario)
    assert found["scenario"].name == name


def test_plugins_are_named_and_not_carried(tmp_path: Path, plane: Results) -> None:
    path = tmp_path / "it's mine.py"
    path.write_text("import torch\ndef my_score(level, points):\n    return -points\n", encoding="utf-8")
    key = load_plugin(path)
    try:
        run = plane.scenario.run.model_copy(update={"samplers": (key, "exact")})
        scenario = plane.scenario.model_copy(update={"run": run})
        assert needed_plugins(scenario) == [path]
        assert needed_plugins(plane.scenario) == []
        script = python_script(scenario, View())
        assert f"load_plugin(Path({str(path)!r}))" in script
        assert "return -points" not in script
        compile(script, "script", "exec")
    finally:
        load_exactly([])


def test_command_is_quoted_for_a_shell() -> None:
    shown = {"part": "measured", "extent": (-1.5, 2.0, -0.1, 1e-3), "details": "Per step"}
    view = View(t=3, plane="x₁, x₃", logarithmic=False, enlarged="ddnm", time_axis="log SNR", **shown)
    line = command_line("it's; rm -rf.toml", view, "page", [Path("/a b/c.py")])
    words = shlex.split(line)
    assert words[:4] == ["mismatch-lab", "export", "figure", "it's; rm -rf.toml"]
    assert words[words.index("--plane") + 1] == "x₁, x₃"
    assert words[words.index("--axis") + 1] == "log SNR"
    assert words[words.index("--part") + 1] == "measured"
    assert words[words.index("--details") + 1] == "Per step"
    assert "--extent=-1.5,2.0,-0.1,0.001" in words
    assert words[-2:] == ["--plugin", "/a b/c.py"]
    assert command_line("a.toml", View()) == "mismatch-lab run a.toml"
