"""The command ``run``: compute a scenario without a window, print its table and write its report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from app.cli.options import UserError, plugins, with_source, writing_to
from app.cli.source import find_source
from core.system.leftovers import remove_leftovers

if TYPE_CHECKING:
    from core.reporting.findings import Findings
    from core.runs.experiment import Experiment
    from core.runs.results import Results
    from core.scenario.builtin import LoadedScenario
    from core.scenario.scenario import Scenario

# torch, Qt and matplotlib take seconds to load, so that every command imports what it needs itself.
# ruff: noqa: PLC0415

_Command = TypeVar("_Command", bound=Callable[..., Any])


def run_overrides(command: _Command) -> _Command:
    """Add the options that override values of the scenario."""
    for option in (
        click.option("--device", metavar="auto|cpu|cuda", help="Device of the particles."),
        click.option("--samplers", metavar="KEY,KEY,...", help="Samplers to run, in this order."),
        click.option("--variance", metavar="theory|beta|posterior", help="Reverse variance of every sampler."),
        click.option(
            "--rounds", "kl_rounds", type=int, metavar="R", help="Rounds of refining the KL bracket of a mixture."
        ),
        click.option("--seed", type=int, metavar="INTEGER", help="Seed of all random numbers."),
        click.option("--steps", type=int, metavar="T", help="Steps of the schedule."),
        click.option("--paths", type=int, metavar="M", help="Monte Carlo paths for the bound of a mixture."),
        click.option("--particles", type=int, metavar="N", help="Particles of each sampler."),
    ):
        command = option(command)
    return command


def _minutes(_context: click.Context, _option: click.Parameter, minutes: float) -> float:
    if not minutes > 0:  # which not-a-number is not, either
        raise click.BadParameter("must be a number of minutes larger than 0")
    return minutes


max_time_option = click.option(
    "--max-time",
    type=float,
    callback=_minutes,
    default=10.0,
    metavar="MINUTES",
    help="A run of a longer estimated time asks on a terminal and fails elsewhere.  [default: 10]",
)


@click.command()
@click.argument("scenario")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for report.json, curves.csv and evidence.png.  [default: runs/NAME]",
)
@max_time_option
@run_overrides
@plugins
def run(scenario: str, out: Path | None, max_time: float, **overrides: str | int | None) -> None:
    """Run SCENARIO without a window, print its headline and write a report.

    The options from --particles to --device override the scenario's values.
    """
    from app.run.process import reserve_interface_core
    from core.errors import ScenarioError
    from core.reporting.report import require_folder, write_report
    from core.runs.experiment import Experiment
    from core.system.staging import nearest_folder
    from core.text.user_text import file_name

    found, _ = find_source(scenario)
    chosen = overridden(found, overrides)
    folder = out or Path("runs") / file_name(found.name)
    with writing_to(folder):
        require_folder(folder)
        remove_leftovers([folder, nearest_folder(folder)])
    try:
        experiment = Experiment(chosen, keep_frames=False)
    except ScenarioError as error:
        raise with_source(error, found.source) from None
    reserve_interface_core()
    advance(experiment, 60 * max_time)
    results = experiment.results
    with writing_to(folder):
        write_report(results, folder)
    _print_headline(results)
    click.echo(f"\nReport: {folder / 'report.json'} (beside it: curves.csv, evidence.png)")
    if results.faults:
        raise UserError(f"{'; '.join(results.faults.values())} (the report holds the other samplers' results)")


def overridden(found: LoadedScenario, overrides: dict[str, str | int | None]) -> Scenario:
    """Return the scenario with the command line's values in place of its own, validated like a file."""
    from core.errors import ScenarioError
    from core.scenario.edits import patched

    given = {key: value for key, value in overrides.items() if value is not None}
    schedule = {"steps": given.pop("steps")} if "steps" in given else {}
    names = {"samplers": [part.strip() for part in str(given["samplers"]).split(",")]} if "samplers" in given else {}
    try:
        return patched(found.scenario, {"schedule": schedule, "run": {**given, **names}})
    except ScenarioError as error:
        raise with_source(error, found.source) from None


def advance(experiment: Experiment, most_seconds: float, *, refine: bool = True) -> None:
    """Run the experiment to its end, showing progress, and refine it unless that is not wanted."""
    from torch.cuda import OutOfMemoryError

    from app.cli.progress import progress_reporter
    from app.cli.time_limit import TimeLimit

    name, total = experiment.results.scenario.name, experiment.results.schedule.steps + 1
    with progress_reporter() as show:
        limit = TimeLimit(experiment, most_seconds, show.paused)
        experiment.between_blocks = limit.check
        try:
            for done, _ in enumerate(experiment.run(), start=1):
                limit.check()
                show(done, total, name)
            for done, _ in enumerate(experiment.refine() if refine else (), start=1):
                show(done, None, f"{name}: the KL")
        except OutOfMemoryError:
            raise UserError("run.particles: the memory of the CUDA device is too small; take fewer particles") from None


def _print_headline(results: Results) -> None:
    """Print the table at t = 1, and the reasons for missing values."""
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    from core.reporting.findings import findings, headline
    from core.text.user_text import one_line, terminal_text

    found = findings(results)
    rows = headline(found)
    titles = [title for title in rows[0] if any(row[title] for row in rows)]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, justify="left" if title == "sampler" else "right", no_wrap=True)
    for each, row in zip(found, rows, strict=True):
        name = Text(one_line(row.pop("sampler")), style=each.about.colour)
        table.add_row(name, *(row[title] for title in titles[1:]))
    console = Console(highlight=False)
    natural = Measurement.get(console, console.options.update(max_width=1000), table).maximum
    console.width = max(console.width, natural)  # numbers are never cut; a pipe has no width
    console.print(Text(f"{one_line(results.scenario.name)}: nats, at t = 1", style="bold"), end="\n\n")
    console.print(table)
    explained = {**_LEGEND, "limit": results.limit_description.meaning}
    legend = [f"{title}: {explained[title]}" for title in titles if title in explained]
    for lines in (legend, _notes(found)):
        if lines:
            console.print(Text("\n" + terminal_text("\n".join(lines)), style="dim"))


_LEGEND = {
    "KL": "KL(Q‖P), Q the target, P the samples; a – b, ≤ b: limits, each widened by three standard errors; "
    "(P‖Q): reversed, for samplers that add no noise",
    "bound": "upper bound on the KL: init + disc + var + mismatch; mismatch = range + null",
    "observed": "mismatch over the sampler's own particles, not part of the bound",
}
"""Explanations of the table's column titles."""


def _notes(found: Sequence[Findings]) -> list[str]:
    """Return each distinct note once, prefixed by its samplers unless it holds for all."""
    about: dict[str, list[str]] = {}
    for each in found:
        for note in each.notes:
            about.setdefault(note, []).append(each.about.label)
    return [note if len(labels) == len(found) else f"{', '.join(labels)}: {note}" for note, labels in about.items()]
