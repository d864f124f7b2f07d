from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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


def test_importing_core_loads_no_qt() -> None:
    modules = [name(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__") for path in CORE]
    assert "core.bounds.bound_terms" in modules
    assert not loaded_by(", ".join(modules)) & {*QT, "app"}


def test_loaded_qt_is_detected() -> None:
    assert loaded_by("qtpy") & QT


def test_core_modules_import_neither_app_nor_qt() -> None:
    found = {name(path): {module.partition(".")[0] for module in imported(path)} & {*QT, "app"} for path in CORE}
    assert {path: modules for path, modules in found.items() if modules} == {}


# The packages that each package may import, lowest first. A new entry is a design decision.
ARROWS = {
    "core.text": "",
    "core.version": "",
    "core.drawing": "text",
    "core.errors": "text",
    "core.system": "errors text",
    "core.problem": "",
    "core.samplers": "errors problem text",
    "core.plugins": "errors problem samplers system text",
    "core.scenario": "errors problem samplers system text",
    "core.data": "errors scenario system text",
    "core.matrices": "data errors scenario system text",
    "core.simulation": "problem samplers",
    "core.bounds": "plugins problem samplers simulation",
    "core.diagnostics": "problem samplers simulation text",
    "core.kl": "bounds plugins problem samplers simulation text",
    "core.runs": "bounds diagnostics errors kl plugins problem samplers scenario simulation text",
    "core.geometry": "diagnostics kl problem runs samplers scenario text",
    "core.reporting": "bounds diagnostics drawing geometry kl runs samplers system text version",
    "core.snapshot": "diagnostics errors scenario system",
    "core.figures": "bounds diagnostics drawing errors geometry kl plugins problem reporting runs samplers scenario"
    " snapshot system text",
    "core.storyboard": "errors scenario snapshot system text",
    "core.spectrum": "bounds data drawing errors problem reporting runs samplers scenario simulation"
    " system text version",
    "core.studies": "bounds diagnostics drawing errors kl plugins problem reporting runs samplers scenario simulation"
    " spectrum system text version",
    "app.settings": "",
    "app.theme": "settings",
    "app.widgets": "theme",
    "app.run": "",
    "app.document": "run",
    "app.transport": "theme widgets",
    "app.evidence": "theme transport widgets",
    "app.planes": "document evidence run theme transport widgets",
    "app.problem": "document theme widgets",
    "app.stage": "document evidence planes theme widgets",
    "app.film": "run stage theme",
    "app.files": "document planes run settings theme widgets",
    "app.export": "film run stage theme widgets",
    "app.presenter": "files run stage theme transport widgets",
    "app.studies": "document run theme widgets",
    "app.spectrum": "document run theme widgets",
    "app.help": "document evidence planes problem run settings theme transport widgets",
    "app.window": "document evidence export files help planes presenter problem run settings spectrum studies theme"
    " transport widgets",
    "app.cli": "document export film run window",
    "app.__main__": "cli",
}


def package(module: str) -> str:
    return ".".join(module.split(".")[:2])


def arrows(path: Path) -> set[tuple[str, str]]:
    """Return a file's imports between packages of app, or of core; app/__init__.py and core/__init__.py are exempt."""
    here = package(name(path).removesuffix(".py").replace("/", "."))
    there = {package(module) for module in imported(path) if module.partition(".")[0] == here.partition(".")[0]}
    return {(here, each) for each in there - {here}} if "__init__" not in here else set()


def undeclared(found: set[tuple[str, str]]) -> list[str]:
    allowed = {(one, f"{one.partition('.')[0]}.{other}") for one, others in ARROWS.items() for other in others.split()}
    return [
        f"{one} imports {other}: add the arrow to ARROWS if this is the order of the packages, or move the code"
        for one, other in sorted(found - allowed)
    ]


def test_packages_import_only_declared_packages() -> None:
    found = {arrow for path in SOURCES if "tests" not in path.parts for arrow in arrows(path)}
    assert undeclared(found) == []
    assert undeclared({("core.problem", "core.samplers")}) != []


def test_declared_imports_point_to_earlier_packages() -> None:
    order = list(ARROWS)
    for one, others in ARROWS.items():
        for other in others.split():
            assert order.index(f"{one.partition('.')[0]}.{other}") < order.index(one)


def test_every_package_docstring_has_at_least_three_lines() -> None:
    packages = [path for path in SOURCES if path.name == "__init__.py" and "tests" not in path.parts]
    words = {name(path): ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in packages}
    assert "core/__init__.py" in words
    short = [path for path, said in words.items() if len((said or "").splitlines()) < 3]
    assert short == [], "a package's docstring says what is in it and what may be imported"


def test_source_files_stay_below_line_limit() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert lines
    limits = {path: 600 if "tests" in path.parts else 450 for path in SOURCES}
    assert [name(path) for path in SOURCES if lines[path] >= limits[path]] == []
