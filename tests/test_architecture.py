from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = sorted((ROOT / "core").rglob("*.py"))
SOURCES = sorted(path for folder in ("app", "core", "tests") for path in (ROOT / folder).rglob("*.py"))
QT = {"PySide6", "pyqtgraph", "qtawesome", "qtpy", "superqt"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def loaded_by(modules: str) -> set[str]:
    code = f"import sys\nimport {modules}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(out.stdout.split())


def test_importing_the_core_brings_no_qt() -> None:
    modules = [name(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__") for path in CORE]
    assert "core.bounds.divergence" in modules
    assert not loaded_by(", ".join(modules)) & {*QT, "app"}


def test_qt_would_be_seen() -> None:
    assert loaded_by("qtpy") & QT


@pytest.mark.parametrize("path", CORE, ids=name)
def test_the_core_imports_neither_app_nor_qt(path: Path) -> None:
    assert not {module.partition(".")[0] for module in imported(path)} & {*QT, "app"}


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_stay_short(path: Path) -> None:
    limit = 600 if "tests" in path.parts else 450
    assert len(path.read_text(encoding="utf-8").splitlines()) < limit
