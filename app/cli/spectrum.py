"""The command ``spectrum``: predict and simulate the errors of a spectrum setting, and write a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from app.cli.options import UserError, with_source, writing_to
from core.system.leftovers import remove_leftovers

if TYPE_CHECKING:
    from core.simulation.work import Work
    from core.spectrum.optimum import Budget, Curve, Optimum
    from core.spectrum.prediction import Prediction
    from core.spectrum.setting import SpectrumSetting
    from core.spectrum.simulation import Simulated
    from core.spectrum.spectra import Spectrum

# torch, Qt and matplotlib take seconds to load, so that every command imports what it needs itself.
# ruff: noqa: PLC0415

_MOST_REPEATS = 1_000_000
_Found = TypeVar("_Found")


@click.command()
@click.argument("setting", required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for spectrum.json, spectrum.csv and spectrum.png.  [default: runs/NAME]",
)
@click.option(
    "--simulate",
    "repeats",
    type=click.IntRange(min=2, max=_MOST_REPEATS),
    metavar="R",
    help="Simulate R repeats beside the prediction.",
)
@click.option("--seed", type=click.IntRange(min=0, max=2**63 - 1), metavar="INTEGER", help="Seed of the simulation.")
@click.option("--vary", metavar="KEY", help="Number against which W2 is drawn, for example learning.samples.")
@click.option("--best", is_flag=True, help="Find the numbers that minimise predicted W2 within the budget below.")
@click.option(
    "--choose",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Number that --best chooses, for example method.sigma; give it again for more.  [default: all it can]",
)
@click.option("--nfe", type=click.IntRange(min=1, max=10**6), metavar="N", help="Budget: score evaluations a sample.")
@click.option("--samples", type=click.IntRange(min=2, max=10**12), metavar="N", help="Budget: samples to learn from.")
@click.option("--sgd-steps", type=click.IntRange(min=1, max=10**9), metavar="N", help="Budget: steps of SGD.")
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    metavar="SPECTRUM",
    help="Print W2 of every scheme by NFE and eps for a file of eigenvalues, and nothing else.",
)
def spectrum(
    setting: str | None,
    out: Path | None,
    repeats: int | None,
    seed: int | None,
    vary: str | None,
    keys: tuple[str, ...],
    nfe: int | None,
    samples: int | None,
    sgd_steps: int | None,
    table: Path | None,
    *,
    best: bool,
) -> None:
    """Split W2 of SETTING, a spectrum file (TOML) or a built-in one, into its sources, and write a report.

    Predictions cost milliseconds; --simulate adds the ground truth, a mean over repeats with its standard error.
    """
    from core.errors import ScenarioError
    from core.spectrum.builtin import find_setting
    from core.spectrum.optimum import Budget
    from core.spectrum.prediction import predict
    from core.spectrum.report import FILES, write_spectrum_report
    from core.system.staging import nearest_folder, require_places
    from core.text.user_text import file_name

    if (setting is None) == (table is None):
        raise UserError("give either SETTING or --table SPECTRUM")
    if keys and not best:
        raise UserError("--choose needs --best")
    if setting is None:
        assert table is not None
        _print_table(table)
        return
    found = find_setting(setting)
    folder = out or Path("runs") / file_name(found.name)
    with writing_to(folder):
        require_places(folder, FILES)
        remove_leftovers([folder, nearest_folder(folder)])
    try:
        data = found.setting.spectrum.build(found.folder)
        prediction = predict(found.setting, data)
        simulated = simulated_setting(found.setting, data, repeats, seed)
        drawn = _drawn(found.setting, vary, data)
        chosen = _chosen(found.setting, Budget(nfe, samples, sgd_steps), data, keys or None) if best else None
    except ScenarioError as error:
        raise with_source(error, found.source) from None
    with writing_to(folder):
        write_spectrum_report(prediction, folder, simulated, drawn, chosen)
    _print(prediction, simulated, chosen)
    click.echo(f"\nReport: {folder / 'spectrum.json'} (beside it: spectrum.csv, spectrum.png)")


def simulated_setting(
    setting: SpectrumSetting, data: Spectrum, repeats: int | None, seed: int | None
) -> Simulated | None:
    """Simulate with progress; None where it is not asked for."""
    from app.cli.progress import progress_reporter
    from core.spectrum.simulation import simulate_setting

    if repeats is None:
        return None
    found = None
    with progress_reporter() as show:
        for found in simulate_setting(setting, data, repeats=repeats, seed=seed):
            show(found.w2_squared.count, repeats, f"{setting.name}: repeats")
    return found


def _drawn(setting: SpectrumSetting, vary: str | None, data: Spectrum) -> Curve:
    """Compute W2 against a number with progress; where none is named, against the one that matters most."""
    from core.spectrum.optimum import curve, main_parameter

    return followed(curve(setting, vary or main_parameter(setting), data), f"{setting.name}: curve")


def _chosen(setting: SpectrumSetting, budget: Budget, data: Spectrum, keys: tuple[str, ...] | None) -> Optimum:
    """Find the best numbers with progress."""
    from core.spectrum.optimum import optimum

    return followed(optimum(setting, budget, data, keys), f"{setting.name}: predictions")


def followed(work: Work[_Found], words: str) -> _Found:
    """Do a computation with progress, and return its result."""
    from app.cli.progress import progress_reporter

    with progress_reporter() as show:
        done = 0
        while True:
            try:
                next(work)
            except StopIteration as end:
                found: _Found = end.value
                return found
            done += 1
            show(done, None, words)


def _print(prediction: Prediction, simulated: Simulated | None, chosen: Optimum | None) -> None:
    from core.spectrum.summary import summary_lines
    from core.text.user_text import terminal_text

    for line in summary_lines(prediction, simulated, chosen):
        click.echo(terminal_text(line))


def _print_table(path: Path) -> None:
    from core.spectrum.published_text import text_table
    from core.spectrum.sources import from_file

    for line in text_table(from_file(path, "eigenvalues").eigenvalues).lines():
        click.echo(line)
