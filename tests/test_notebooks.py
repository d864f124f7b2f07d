from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

import core
from core.plugins.loader import load_exactly

FOLDER = Path(__file__).parents[1] / "resources" / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def cells(name: str) -> list[dict[str, Any]]:
    return json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


@pytest.fixture(autouse=True)
def unload_plugins() -> Iterator[None]:
    mpl.use("agg")
    yield
    load_exactly([])


def test_both_notebooks_exist() -> None:
    assert NOTEBOOKS == ["one-run", "own-sampler"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_from_top_to_bottom(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    space: dict[str, Any] = {}
    for cell in cells(name):
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), space)
    printed = capsys.readouterr().out
    assert "KL" in printed
    assert "nan" not in printed


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_stored_without_outputs(name: str) -> None:
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells(name))


def test_core_exports_exactly_its_public_names() -> None:
    assert sorted(core.__all__) == sorted(name for names in core._MODULES.values() for name in names)
    assert all(getattr(core, name) is not None for name in core.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(core, "nothing")  # noqa: B009 - the name is what is tested


def test_readme_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    code = next(part for part in text.split("```python\n")[1:] if "load_scenario" in part).partition("```")[0]
    assert len([line for line in code.splitlines() if line]) <= 5
    exec(code.replace('load_scenario("three-components")', 'load_scenario("one-gaussian")'), {})
    assert capsys.readouterr().out.splitlines()[0].startswith("ddnm ")
