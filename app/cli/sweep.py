"""The command ``sweep``: KL and bound of scenarios against the number of steps T."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.number_list import MOST_NUMBERS, whole_numbers
from app.cli.options import UserError, with_source, writing_to
from core.system.leftovers import remove_leftovers

if TYPE_CHECKING:
    from core.studies.sweep import Sweep

# torch, Qt and matplotlib take seconds to load, so that every command imports what it needs itself.
# ruff: noqa: PLC0415


@click.command()
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option(
    "--steps",
    metavar="T,T,...",
    callback=lambda _context, _option, text: None if text is None else whole_numbers(text),
    help=f"Numbers of steps, at most {MOST_NUMBERS}; A,B,...,Z continues by steps of B - A.  [default: 11]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs/sweep"),
    metavar="FOLDER",
    help="Folder for sweep.csv and sweep.png.  [default: runs/sweep]",
)
def sweep(scenarios: tuple[str, ...], steps: list[int] | None, out: Path) -> None:
    """Draw the KL of every SCENARIO at t = 1 against the number of steps T, one panel each.

    The KL of one Gaussian is exact; that of a mixture is bracketed, which takes some seconds for each T.
    """
    from app.run.process import reserve_interface_core
    from core.errors import ScenarioError
    from core.scenario.builtin import find_scenario
    from core.studies.sweep import MOST_PANELS, STEPS, Sweep
    from core.studies.sweep_files import FILES, write_sweeps
    from core.system.staging import nearest_folder, require_places

    if len(scenarios) > MOST_PANELS:
        raise UserError(
            f"SCENARIO...: must be at most {MOST_PANELS}, since one figure shows all (are {len(scenarios)})"
        )
    sweeps = []
    for found in map(find_scenario, scenarios):
        try:
            sweeps.append(Sweep(found.scenario, STEPS if steps is None else steps))
        except ScenarioError as error:
            raise with_source(error, found.source) from None
    with writing_to(out):
        require_places(out, FILES)
        remove_leftovers([out, nearest_folder(out)])
    reserve_interface_core()
    for each in sweeps:
        _follow(each)
    with writing_to(out):
        write_sweeps(sweeps, out)
    click.echo(f"Figure: {out / 'sweep.png'} (beside it: sweep.csv)")


def _follow(sweep: Sweep) -> None:
    """Compute the sweep for every T, showing progress."""
    from app.cli.progress import progress_reporter

    with progress_reporter() as show:
        for done in sweep.run(jobs=None):
            show(done, len(sweep.steps), f"{sweep.scenario.name}: numbers of steps")
