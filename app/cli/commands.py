"""The command line: open the window, or run a scenario without one."""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click_default_group import DefaultGroup

from app.cli.display import NoDisplayError, ensure_display
from app.cli.number_list import MOST_NUMBERS, whole_numbers
from core.system.leftovers import remove_leftovers
from core.system.stop import stop
from core.version import product_version

if TYPE_CHECKING:
    from core.errors import ScenarioError
    from core.reporting.findings import Findings
    from core.runs.experiment import Experiment
    from core.samplers import Sampler
    from core.scenario.builtin import Found
    from core.scenario.scenario import Scenario
    from core.studies.sweep import Sweep

# torch, Qt and matplotlib take seconds to load, so that every command imports what it needs itself.
# ruff: noqa: PLC0415

PROGRAM = "mismatch-lab"
CLOSED_PIPE = 1
"""Exit status where the reader of the output has gone, as click has it."""

_PATIENCE_SECONDS = 3.0
"""After so long a sampler's file that still loads is spoken of."""
_Command = TypeVar("_Command", bound=Callable[..., Any])


class Refused(click.ClickException):
    """Something that the user can put right: one sentence, exit status 2."""

    exit_code = 2


def _load_plugins(_context: click.Context, _option: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Run the files that the user names: naming them here is the consent that the window asks for."""
    for path in paths:
        from core.plugins.loader import load_plugin
        from core.text.user_text import one_line

        words = f"{PROGRAM}: {one_line(str(path))} is still loading; Ctrl-C gives up"
        patience = threading.Timer(_PATIENCE_SECONDS, lambda words=words: click.echo(words, err=True))
        patience.daemon = True
        patience.start()
        try:
            load_plugin(path)
        finally:
            patience.cancel()
    return paths


_plugins = click.option(
    "--plugin",
    type=click.Path(path_type=Path),
    metavar="FILE",
    multiple=True,
    is_eager=True,
    expose_value=False,
    callback=_load_plugins,
    help="Python file with a sampler of your own; its code is run. May be given several times.",
)


@click.command("open")
@click.argument("scenario", required=False)
@_plugins
def open_(scenario: str | None) -> int:
    """Open the window on SCENARIO, or on the default scenario."""
    if scenario is None:
        ensure_display()
    from app.run.worker import the_worker

    the_worker().spawn()  # it loads what it needs while the window does
    from core.scenario.builtin import DEFAULT, find_scenario

    found = find_scenario(scenario or DEFAULT)  # what is wrong with it is said without a display as well
    ensure_display()
    from app.window.window import open_window

    return open_window(found.scenario, found.path)


def _overrides(command: _Command) -> _Command:
    """Add the options that take the place of a scenario's own values."""
    for option in (
        click.option("--device", metavar="auto|cpu|cuda", help="Where the particles live."),
        click.option("--samplers", metavar="KEY,KEY,...", help="Samplers to run, in this order."),
        click.option("--variance", metavar="theory|beta|posterior", help="Reverse variance of every sampler."),
        click.option(
            "--rounds", "kl_rounds", type=int, metavar="R", help="Rounds of refining a KL without closed form."
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


_max_time = click.option(
    "--max-time",
    type=float,
    callback=_minutes,
    default=10.0,
    metavar="MINUTES",
    help="A run that is estimated to take longer asks on a terminal, and is refused elsewhere.  [default: 10]",
)


@click.command()
@click.argument("scenario")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for report.json, curves.csv and evidence.png.  [default: runs/NAME]",
)
@_max_time
@_overrides
@_plugins
def run(scenario: str, out: Path | None, max_time: float, **overrides: str | int | None) -> None:
    """Run SCENARIO without a window, print its headline and write a report.

    The options below --out take the place of the scenario's own values.
    """
    from app.run.process import leave_a_core
    from core.errors import ScenarioError
    from core.reporting.report import require_folder, write_report
    from core.runs.experiment import Experiment
    from core.scenario.builtin import find_scenario
    from core.system.staging import nearest_folder
    from core.text.user_text import file_name

    found = find_scenario(scenario)
    chosen = _override(found, overrides)
    folder = out or Path("runs") / file_name(found.name)
    with _writing_to(folder):
        require_folder(folder)
        remove_leftovers([folder, nearest_folder(folder)])
    try:
        experiment = Experiment(chosen, keep_frames=False)
    except ScenarioError as error:
        raise _named(error, found.source) from None
    leave_a_core()
    _advance(experiment, 60 * max_time)
    with _writing_to(folder):
        write_report(experiment, folder)
    _print_headline(experiment)
    click.echo(f"\nReport: {folder / 'report.json'} (beside it: curves.csv, evidence.png)")
    if experiment.faults:
        raise Refused(f"{'; '.join(experiment.faults.values())} (the report holds the other samplers' results)")


def _override(found: Found, overrides: dict[str, str | int | None]) -> Scenario:
    """Return the scenario with the command line's values in place of its own, validated like a file."""
    from core.scenario.scenario import Scenario

    data = found.scenario.to_dict()
    for key, value in overrides.items():
        if value is not None:
            values = [part.strip() for part in str(value).split(",")] if key == "samplers" else value
            data["schedule" if key == "steps" else "run"][key] = values
    return Scenario.from_dict(data, found.source)


def _named(error: ScenarioError, source: str) -> ScenarioError:
    """What is wrong with a scenario, under its name; what is wrong with a sampler's file has a name already."""
    from core.errors import ScenarioError

    return ScenarioError(error.source or source, error.field, error.reason)


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror.lower() if error.strerror else str(error)
        raise Refused(f"--out: cannot write to {folder} ({reason})") from None


def _advance(experiment: Experiment, most_seconds: float) -> None:
    """Run to the end, and say how far it is."""
    from torch.cuda import OutOfMemoryError

    from app.cli.progress import metered
    from app.cli.time_limit import TimeLimit

    name, total = experiment.scenario.name, experiment.schedule.steps + 1
    with metered() as show:
        limit = TimeLimit(experiment, most_seconds, show.paused)
        experiment.between_blocks = limit.check
        try:
            for done, _ in enumerate(experiment.run(), start=1):
                limit.check()
                show(done, total, name)
            for done, _ in enumerate(experiment.refine(), start=1):
                show(done, None, f"{name}: the KL")
        except OutOfMemoryError:
            raise Refused("run.particles: the CUDA device has not enough memory; take fewer particles") from None


def _print_headline(experiment: Experiment) -> None:
    """Print the table of t = 1, and why what is missing in it is missing."""
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    from core.reporting.findings import findings, headline
    from core.text.user_text import one_line, terminal_text

    found = findings(experiment)
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
    console.width = max(console.width, natural)  # a pipe has no width to keep to, and a number is never cut
    console.print(Text(f"{one_line(experiment.scenario.name)}: nats, at t = 1", style="bold"), end="\n\n")
    console.print(table)
    explained = {**_LEGEND, "limit": experiment.limit_words.meaning}
    legend = [f"{title}: {explained[title]}" for title in titles if title in explained]
    for lines in (legend, _notes(found)):
        if lines:
            console.print(Text("\n" + terminal_text("\n".join(lines)), style="dim"))


_LEGEND = {
    "KL": "of the samples from the target, KL(Q‖P); a – b, ≤ b: limits, each widened by three standard errors; "
    "(P‖Q): reversed, for samplers without noise",
    "bound": "the KL is not larger; the sum of init, disc, var and mismatch, which is range + null",
    "observed": "the mismatch over the sampler's own particles, which is no part of the bound",
}
"""What the titles of the table do not say themselves."""


@click.command()
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option(
    "--steps",
    metavar="T,T,...",
    callback=lambda _context, _option, text: None if text is None else whole_numbers(text),
    help=f"Numbers of steps, at most {MOST_NUMBERS}; A,B,...,Z goes on as it began.  [default: 11]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs/sweep"),
    metavar="FOLDER",
    help="Folder for sweep.csv and sweep.png.  [default: runs/sweep]",
)
def sweep(scenarios: tuple[str, ...], steps: list[int] | None, out: Path) -> None:
    """Draw the KL of every SCENARIO at t = 1 against the number of steps T, a panel each.

    The KL of one Gaussian is exact; that of a mixture is bracketed, which takes some seconds for each T.
    """
    from app.run.process import leave_a_core
    from core.errors import ScenarioError
    from core.scenario.builtin import find_scenario
    from core.studies.sweep import FILES, MOST_PANELS, STEPS, Sweep, write_sweeps
    from core.system.staging import nearest_folder, require_places

    if len(scenarios) > MOST_PANELS:
        raise Refused(f"SCENARIO...: at most {MOST_PANELS} have room in one figure (are {len(scenarios)})")
    sweeps = []
    for found in map(find_scenario, scenarios):
        try:
            sweeps.append(Sweep(found.scenario, STEPS if steps is None else steps))
        except ScenarioError as error:
            raise _named(error, found.source) from None
    with _writing_to(out):
        require_places(out, FILES)
        remove_leftovers([out, nearest_folder(out)])
    leave_a_core()
    for each in sweeps:
        _follow(each)
    with _writing_to(out):
        write_sweeps(sweeps, out)
    click.echo(f"Figure: {out / 'sweep.png'} (beside it: sweep.csv)")


def _follow(sweep: Sweep) -> None:
    """Work through every T, and say how far it is."""
    from app.cli.progress import metered

    with metered() as show:
        for done in sweep.run():
            show(done, len(sweep.steps), f"{sweep.scenario.name}: numbers of steps")


def _notes(found: Sequence[Findings]) -> list[str]:
    """Every note once, with the samplers that it is about where it is not about all."""
    about: dict[str, list[str]] = {}
    for each in found:
        for note in each.notes:
            about.setdefault(note, []).append(each.about.label)
    return [note if len(labels) == len(found) else f"{', '.join(labels)}: {note}" for note, labels in about.items()]


@click.command("list")
@_plugins
def list_() -> None:
    """List the built-in scenarios and the samplers, with what each does, assumes and can be told."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from core.samplers import SAMPLERS
    from core.scenario.builtin import builtin_scenarios, first_sentence, load_builtin
    from core.text.user_text import terminal_text

    console = Console()

    def show(title: str, entries: dict[str, list[str]]) -> None:
        table = Table.grid(padding=(0, 2, 1, 0))
        table.add_column(no_wrap=True)
        for key, lines in entries.items():
            table.add_row(Text(terminal_text(key), style="bold"), Text(terminal_text("\n".join(lines))))
        console.print(Text(title, style="bold"), Padding(table, (1, 0, 1, 2)))

    scenarios = {key: load_builtin(key) for key in builtin_scenarios()}
    show("Scenarios", {key: [each.name, first_sentence(each.notes)] for key, each in scenarios.items()})
    show("Samplers", {key: _describe(sampler) for key, sampler in SAMPLERS.items()})


def _describe(sampler: Sampler) -> list[str]:
    """Everything that is known of a sampler, a line each."""
    about = sampler.about
    formula = about.formula if "=" in about.formula else f"g_t = {about.formula}"
    settings = ", ".join(f"{name} = {value}" for name, value in sampler.parameters().items())
    lines = {"": about.summary, "Formula: ": formula, "Assumes: ": about.assumptions, "Variant: ": about.variant}
    described = [f"{title}{text}" for title, text in lines.items() if text]
    return [about.label, *described, f"Source: {about.source}", *([f"Parameters: {settings}"] if settings else [])]


class _Commands(DefaultGroup):
    """Commands that leave it to the program to speak of a signal: click would print an empty line."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.Abort from None


@click.group(cls=_Commands, default="open", default_if_no_args=True, context_settings={"max_content_width": 100})
@click.version_option(product_version(), prog_name=PROGRAM)
def cli() -> None:
    """See, measure and understand score-mismatched diffusion samplers.

    SCENARIO is a scenario file (TOML) or the name of a built-in scenario; `mismatch-lab list` names them.
    Without a command, the window opens.
    """
    remove_leftovers([Path(), Path("runs")])


for _command in (open_, run, sweep, list_):
    cli.add_command(_command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 2 with one sentence for everything that is wrong."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot write ± must not end a run
    with stop.listening():
        try:
            status = cli.main(argv, prog_name=PROGRAM, standalone_mode=False)
            sys.stdout.flush()
        except BaseException as error:  # after a signal, whatever became of it on the way here
            if stop.signal is None and not isinstance(error, click.Abort | KeyboardInterrupt):
                return _explain(error)
        else:
            if stop.signal is None:
                return status or 0
        stop.hold()
        try:
            sys.stdout.flush()
        except OSError:  # the terminal may be gone as well
            _drop_output()
        stop.say()
        return stop.status


def _explain(error: BaseException) -> int:
    """Say in one sentence what is wrong, and return the exit status; a fault of the program is raised again."""
    from core.errors import ScenarioError

    if isinstance(error, OSError):
        return _without_output(error)
    if isinstance(error, click.ClickException):
        return _refuse(error.format_message())
    if isinstance(error, NoDisplayError | ScenarioError):
        return _refuse(str(error))
    raise error


def _without_output(error: OSError) -> int:
    """End where nothing can be written to standard output: a reader that has had enough is no mistake."""
    if error.errno not in {errno.EPIPE, errno.ENOSPC, errno.EIO}:
        raise error
    _drop_output()
    if error.errno == errno.EPIPE:
        return CLOSED_PIPE
    return _refuse(f"cannot write to standard output ({(error.strerror or 'unknown error').lower()})")


def _drop_output() -> None:
    """Write nothing more: Python would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(sentence: str) -> int:
    from core.text.user_text import one_line

    click.echo(f"{PROGRAM}: {one_line(sentence, 2000)}", err=True)
    return Refused.exit_code
