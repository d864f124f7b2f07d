"""Studies and spectra as sources of exports: how they are told from scenarios, and what is taken of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, final

from app.cli.options import UserError, with_source
from app.cli.source import find_snapshot
from app.cli.spectrum import followed, simulated_setting

if TYPE_CHECKING:
    from app.export.taken import Taken
    from app.export.taken_spectrum import TakenSpectrum
    from app.export.taken_study import TakenStudy
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
    from core.scenario.file_section import TomlFile
    from core.snapshot.kinds import kind_of
    from core.spectrum.builtin import builtin_settings
    from core.studies.builtin import builtin_studies

    if path.suffix.lower() == ".toml":
        kind = kind_of(TomlFile.read(path).data)
        return kind if kind in {"study", "spectrum"} else None
    if source in builtin_scenarios():
        return None
    return "spectrum" if source in builtin_settings() else "study" if source in builtin_studies() else None


@final
class PageOptions(NamedTuple):
    """Options of studies and spectra."""

    vary: str | None = None
    """Key of the number against which W2 is drawn; None: that of the snapshot, or the one that matters most."""
    repeats: int | None = None
    """Of a simulation of a spectrum; None: there is none."""
    samplers: tuple[str, ...] = ()
    """Of a study, those that are drawn; none: all."""


def find_page(source: str, options: PageOptions, *, with_curve: bool) -> Taken | None:
    """Return a study, with the rows that are measured of it, or a spectrum, predicted; None for other sources.

    Args:
        source: file, key of a built-in one, or a snapshot as text or within an exported file.
        options: of the command.
        with_curve: whether the curve of W2 is wanted.

    Raises:
        ScenarioError: it is not valid.
    """
    snapshot = find_snapshot(source)
    page = page_of(source, snapshot)
    if page is None:
        return None
    return _study(source, snapshot, options) if page == "study" else _spectrum(source, snapshot, options, with_curve)


def require_rows(taken: Taken) -> None:
    """Check that a study is measured.

    Raises:
        UserError: the source is a study without its measured rows.
    """
    from app.export.taken_study import TakenStudy

    if isinstance(taken, TakenStudy) and not taken.table:
        raise UserError(
            "a study is drawn from its measured rows: measure it by `mismatch-lab study`, "
            "and give the file study.sqlite that it writes"
        )


def _study(source: str, snapshot: Snapshot | None, options: PageOptions) -> TakenStudy:
    """Return a study; only a file of rows has any."""
    from app.export.taken_study import TakenStudy
    from core.plugins.loader import fingerprint, loaded_contents
    from core.snapshot.snapshot import Snapshot
    from core.snapshot.view import View
    from core.studies.builtin import find_study
    from core.studies.store import Store, stored_study
    from core.studies.study import Study
    from core.studies.summary import Table, table_of

    path, table = Path(source), Table()
    contents = loaded_contents()
    fingerprints = tuple(fingerprint(content) for _, content in contents)
    if snapshot is not None:
        study = Study.from_toml(snapshot.toml, source[:60])
    elif path.suffix.lower() == _DATABASE:
        study = stored_study(path)
        with Store.open(path, study, fingerprints) as store:
            table = table_of(store.cells())
        if not table:
            raise UserError(f"{source}: holds no measured rows; mismatch-lab study measures them")
    else:
        study = find_study(source).study
    plugins = tuple(path for path, _ in contents)
    shown = Snapshot("study", study.to_toml(), View(page="Studies"))
    name = source if snapshot is None else shown.to_text()
    samplers = options.samplers or tuple(study.abouts())
    return TakenStudy(study, table, samplers, path, plugins, fingerprints, name, shown)


def _spectrum(source: str, snapshot: Snapshot | None, options: PageOptions, with_curve: bool) -> TakenSpectrum:
    """Return a spectrum's prediction, with what else is asked for."""
    from app.export.taken_spectrum import TakenSpectrum
    from core.errors import ScenarioError
    from core.snapshot.snapshot import Snapshot
    from core.snapshot.view import View
    from core.spectrum.optimum import curve, main_parameter
    from core.spectrum.prediction import predict
    from core.spectrum.setting import SpectrumSetting
    from core.spectrum.use import load_spectrum

    setting = load_spectrum(source) if snapshot is None else SpectrumSetting.from_toml(snapshot.toml, source[:60])
    vary = options.vary or (snapshot.view.vary if snapshot is not None else None) or main_parameter(setting)
    try:
        data = setting.spectrum.build()
        prediction = predict(setting, data)
        simulated = simulated_setting(setting, data, options.repeats, None)
        against = followed(curve(setting, vary, data), f"{setting.name}: curve") if with_curve else None
    except ScenarioError as error:
        raise with_source(error, source[:60]) from None
    shown = Snapshot("spectrum", setting.to_toml(), View(page="Spectrum", vary=vary))
    name = source if snapshot is None else shown.to_text()
    return TakenSpectrum(setting, prediction, simulated, against, name, shown)
