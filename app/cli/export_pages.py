"""Studies and spectra as sources of figures: how they are told from scenarios, and their drawing."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.cli.options import UserError, with_source
from app.cli.spectrum import followed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from core.drawing.style import Style
    from core.snapshot.snapshot import Snapshot

# torch and matplotlib take seconds to load, so that every command imports what it needs itself.
# ruff: noqa: PLC0415

PageKind = Literal["study", "spectrum"]
_DATABASE = ".sqlite"


def page_of(source: str, snapshot: Snapshot | None) -> PageKind | None:
    """Return the page of a source; None for a scenario, and for what is none of them.

    Args:
        source: name, file or snapshot's text.
        snapshot: the one within it, if there is one.
    """
    if snapshot is not None:
        return snapshot.kind if snapshot.kind in {"study", "spectrum"} else None
    path = Path(source)
    if path.suffix.lower() == _DATABASE:
        return "study"
    from core.scenario.builtin import builtin_scenarios
    from core.spectrum.builtin import builtin_settings
    from core.studies.builtin import builtin_studies

    if path.suffix.lower() == ".toml":
        return _page_of_file(path)
    if source in builtin_scenarios():
        return None
    return "spectrum" if source in builtin_settings() else "study" if source in builtin_studies() else None


def _page_of_file(path: Path) -> PageKind | None:
    """Return the page that a file's tables belong to; errors of the file are found when it is loaded."""
    from core.errors import ScenarioError
    from core.system.files import read_text

    try:
        tables = tomllib.loads(read_text(path))
    except (ScenarioError, ValueError, RecursionError):
        return None
    return "study" if "base" in tables or "axes" in tables else "spectrum" if "spectrum" in tables else None


def study_drawing(source: str, snapshot: Snapshot | None, style: Style) -> tuple[str, Figure, Snapshot]:
    """Return the name, the figure and the snapshot of a measured study.

    Raises:
        UserError: the source is a study without its measured rows.
    """
    from core.snapshot.snapshot import Snapshot
    from core.snapshot.view import View
    from core.studies.store import Store, stored_study
    from core.studies.study_figure import study_figure
    from core.studies.summary import table_of
    from core.text.user_text import file_name

    path = Path(source)
    if snapshot is not None or path.suffix.lower() != _DATABASE:
        raise UserError(
            "a study is drawn from its measured rows: measure it by `mismatch-lab study`, "
            "and give the file study.sqlite that it writes"
        )
    study = stored_study(path)
    with Store.open(path, study) as store:
        cells = store.cells()
    if not cells:
        raise UserError(f"{source}: holds no measured rows; mismatch-lab study measures them")
    drawn = study_figure(study, table_of(cells), style)
    return file_name(study.name), drawn, Snapshot("study", study.to_toml(), View(page="Studies"))


def spectrum_drawing(source: str, snapshot: Snapshot | None, style: Style) -> tuple[str, Figure, Snapshot]:
    """Return the name, the figure and the snapshot of a spectrum's prediction.

    Raises:
        ScenarioError: it is not valid.
    """
    from core.errors import ScenarioError
    from core.snapshot.snapshot import Snapshot
    from core.snapshot.view import View
    from core.spectrum.builtin import find_setting
    from core.spectrum.figure import spectrum_figure
    from core.spectrum.optimum import curve, main_parameter
    from core.spectrum.prediction import predict
    from core.spectrum.setting import SpectrumSetting
    from core.text.user_text import file_name

    if snapshot is None:
        found = find_setting(source)
        setting, folder = found.setting, found.folder
    else:
        setting, folder = SpectrumSetting.from_toml(snapshot.toml, source[:60]), Path()
    try:
        data = setting.spectrum.build(folder)
        prediction = predict(setting, data)
        against = followed(curve(setting, main_parameter(setting), data), f"{setting.name}: curve")
        drawn = spectrum_figure(prediction, None, against, style)
    except ScenarioError as error:
        raise with_source(error, source[:60]) from None
    return file_name(setting.name), drawn, Snapshot("spectrum", setting.to_toml(), View(page="Spectrum"))
