"""The command ``export``: figures, numbers and code of a run, without a window."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from app.cli.options import UserError, plugins, with_source
from app.cli.run import advance, max_time_option, overridden, run_overrides
from app.cli.source import find_snapshot, find_source

if TYPE_CHECKING:
    from app.export.taken import Taken
    from core.drawing.style import Style
    from core.runs.results import Results
    from core.scenario.scenario import Scenario
    from core.snapshot.view import View

# torch and matplotlib take seconds to load, so that every command imports what it needs itself.
# ruff: noqa: PLC0415

_Name = TypeVar("_Name", bound=str)
_Command = TypeVar("_Command", bound=Callable[..., Any])
_WIDTHS = {"column": 84.0, "text": 174.0}
"""Widths by name, in millimetres."""
_WITHOUT_KL = {"per-step", "composition", "weights"}
"""Figures that show no KL and no distances, so that the run is not refined for them."""
_VIEW = ("t", "linear", "axis", "extent", "plane", "sampler", "overlays", "part", "details", "lens")
"""Options that override a view."""
_WITH_FRAMES = {"panels", "panel", "page"}
"""Figures that show the particles of earlier frames."""


@click.group()
def export() -> None:
    """Write figures, numbers or code of SOURCE.

    SOURCE is a scenario (a file or the name of a built-in one), an exported file, or the text of a snapshot, whose view
    is then shown. Figures are also made of a measured study (study.sqlite) and of a spectrum.
    """


def _width(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    from core.drawing.style import NARROWEST, WIDEST

    if text is None or text in _WIDTHS:
        return None if text is None else _WIDTHS[text]
    try:
        width = float(text)
    except ValueError:
        width = 0.0
    if not NARROWEST <= width <= WIDEST:
        raise click.BadParameter(f"must be {', '.join(_WIDTHS)} or millimetres from {NARROWEST:g} to {WIDEST:g}")
    return width


def _style_options(command: _Command) -> _Command:
    """Add the options of a figure's look."""
    for option in (
        click.option("--dpi", type=click.IntRange(36, 1200), default=300, metavar="DPI", help="Dots per inch."),
        click.option("--title/--no-title", default=None, help="Write the name above.  [default: on slides]"),
        click.option("--type", "points", type=click.FloatRange(4, 40), metavar="PT", help="Size of type in points."),
        click.option("--serif", is_flag=True, help="Typeface with serifs."),
        click.option(
            "--width",
            callback=_width,
            metavar="column|text|MM",
            help="Width: 84 mm, 174 mm or millimetres.  [default: text, or 254 on slides]",
        ),
        click.option(
            "--style",
            "look",
            type=click.Choice(["paper", "light", "dark"]),
            default="paper",
            help="White for papers, or the screen's colours for slides.  [default: paper]",
        ),
    ):
        command = option(command)
    return command


def _view_options(command: _Command) -> _Command:
    """Add the options that override the source's view."""
    for option in (
        click.option("--linear/--log", "linear", default=None, help="Vertical axis of plots against t."),
        click.option("--axis", type=click.Choice(["t", "log t", "log SNR"]), help="Time axis."),
        click.option("--extent", metavar="L,R,B,T", help="Visible part of the plane: left, right, bottom, top."),
        click.option("--plane", metavar="LABEL", help="Plane of x, as the window names it."),
        click.option(
            "--sampler",
            metavar="KEY",
            help="The only sampler whose panel is drawn; of a study, the samplers that are, with commas.",
        ),
        click.option(
            "--lens", metavar="KEY,N|KEY,X,Y", help="Of the overlay lens: sampler and particle, or point of the plane."
        ),
        click.option("--details", type=click.Choice(["Composition", "Per step", "Weights"]), help="Tab of the window."),
        click.option(
            "--part",
            type=click.Choice(["all", "measured", "unmeasured"]),
            help="Directions in which the overlay mismatch shows it.",
        ),
        click.option(
            "--overlays",
            metavar="NAME,...",
            help="Overlays: target, trails, mismatch, used, exact, twins, law, ratio, weights, lens.  "
            "[default: the view's]",
        ),
    ):
        command = option(command)
    return command


def _page_options(command: _Command) -> _Command:
    """Add the options of spectra."""
    for option in (
        click.option(
            "--simulate",
            "repeats",
            type=click.IntRange(min=2, max=1_000_000),
            metavar="R",
            help="Of a spectrum: simulate R repeats beside the prediction.",
        ),
        click.option("--vary", metavar="KEY", help="Of a spectrum: number against which W2 is drawn."),
    ):
        command = option(command)
    return command


_t = click.option("--t", type=int, metavar="T", help="Time that is shown.  [default: the view's, else 1]")


@export.command()
@click.argument("source")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="File that ends in .svg, .pdf or .png; may be given several times.  [default: runs/NAME/WHAT.svg]",
)
@click.option(
    "--what", metavar="WHAT", help="What is drawn, as listed above.  [default: panels, or page of studies and spectra]"
)
@_t
@_view_options
@_page_options
@_style_options
@max_time_option
@run_overrides
@plugins
def figure(
    source: str,
    out: tuple[Path, ...],
    what: str | None,
    dpi: int,
    max_time: float,
    vary: str | None,
    repeats: int | None,
    look: Any,  # noqa: ANN401 - a Look
    width: float | None,
    points: float | None,
    *,
    serif: bool,
    title: bool | None,
    **others: Any,  # noqa: ANN401 - options of the view and of the run
) -> None:
    """Draw SOURCE as SVG, PDF or PNG.

    WHAT is panels, panel, headline, per-step, composition, weights, table, or page: panels above the headline plot and
    the table. Of a study it is page or one of its metrics; of a spectrum page, spectrum, shares, budget, curve, kernel,
    clouds or pictures. Every file carries its snapshot: the window opens it again.
    """
    from app.cli.export_pages import PageOptions, find_page, require_rows
    from core.drawing.style import Style
    from core.figures.figures import figure_content, require_ending
    from core.text.user_text import file_name

    style = Style(look, width, serif, points, title)
    for path in out:
        require_ending(path)
    view_options = {name: others.pop(name) for name in _VIEW}
    samplers = tuple(filter(None, (view_options["sampler"] or "").split(",")))
    taken = find_page(source, PageOptions(vary, repeats, samplers), with_curve=what in {None, "page", "curve"})
    if taken is None:
        _draw_run(source, out, what or "panels", style, dpi, max_time, view_options, others)
        return
    what = what or "page"
    _known(what, taken.figures)
    require_rows(taken)
    drawn = taken.figure(what, style)
    paths = out or (Path("runs") / file_name(taken.name) / f"{taken.snapshot.kind}.svg",)
    _write({path: figure_content(drawn, require_ending(path), style, taken.snapshot, dpi=dpi) for path in paths})


def _draw_run(
    source: str,
    out: tuple[Path, ...],
    what: str,
    style: Style,
    dpi: int,
    max_time: float,
    view_options: dict[str, Any],
    overrides: dict[str, Any],
) -> None:
    from core.figures.figures import WHAT, figure_content, require_ending
    from core.figures.figures import figure as draw
    from core.snapshot.snapshot import Snapshot
    from core.text.user_text import file_name

    shown = _known(what, WHAT)
    found, view = find_source(source)
    scenario, view = overridden(found, overrides), _view(view, view_options)
    paths = out or (Path("runs") / file_name(found.name) / f"{what}.svg",)
    results = _run(scenario, found.source, view, max_time, frames=what in _WITH_FRAMES, refine=what not in _WITHOUT_KL)
    drawn = draw(results, view, shown, style)
    snapshot = Snapshot("scenario", scenario.to_toml(), view)
    _write(
        {path: figure_content(drawn, require_ending(path), style, snapshot, dpi=dpi) for path in paths}, results.faults
    )


def _known(what: str, known: Iterable[_Name]) -> _Name:
    """Return the name of what is to be written.

    Raises:
        UserError: there is no such thing.
    """
    from core.errors import suggest

    for name in known:
        if name == what:
            return name
    raise UserError(f"--what: there is no {what!r}{suggest(what, known)}")


def _view(view: View, options: dict[str, Any]) -> View:
    """Return the source's view with the options in place of its values, validated like a snapshot's."""
    from core.snapshot.view import View

    data = view.to_dict()
    if options["t"] is not None or view.t is None:
        data["t"] = 1 if options["t"] is None else options["t"]
    for option, name in (
        ("axis", "time_axis"),
        ("plane", "plane"),
        ("sampler", "enlarged"),
        ("part", "part"),
        ("details", "details"),
    ):
        if options.get(option) is not None:
            data[name] = options[option]
    if options.get("linear") is not None:
        data["logarithmic"] = not options["linear"]
    if options.get("overlays") is not None:
        data["overlays"] = [part.strip() for part in options["overlays"].split(",") if part.strip()]
    if options.get("lens") is not None:
        data["lens"] = _aim(options["lens"])
    if options.get("extent") is not None:
        try:
            data["extent"] = [float(part) for part in options["extent"].split(",")]
        except ValueError:
            raise UserError("--extent: must be four numbers with commas: left, right, bottom, top") from None
    return View.from_dict(data)


def _aim(text: str) -> dict[str, Any]:
    """Return where the lens looks; particles are numbered from 1."""
    sampler, *parts = text.split(",")
    try:
        if len(parts) == 1:
            return {"sampler": sampler, "particle": int(parts[0]) - 1, "place": [0.0, 0.0]}
        x, y = map(float, parts)
    except ValueError:
        raise UserError("--lens: must be a sampler and a particle's number, or sampler, x and y, with commas") from None
    return {"sampler": sampler, "place": [x, y]}


def _run(scenario: Scenario, source: str, view: View, max_time: float, *, frames: bool, refine: bool = True) -> Results:
    """Run a scenario with progress.

    Raises:
        ScenarioError: it cannot run, or has no such t, plane or sampler, which is found before it runs.
    """
    from app.run.process import reserve_interface_core
    from core.errors import ScenarioError, suggest
    from core.geometry.scene import projections
    from core.runs.experiment import Experiment

    steps, names = scenario.schedule.steps, scenario.run.samplers
    if view.t is not None and view.t > steps:
        raise UserError(f"--t: must be at most T = {steps} (is {view.t})")
    if view.enlarged is not None and view.enlarged not in names:
        raise UserError(f"--sampler: {view.enlarged!r} does not run{suggest(view.enlarged, names)}")
    try:
        experiment = Experiment(scenario, keep_frames=frames or (view.t or 0) > 1)
    except ScenarioError as error:
        raise with_source(error, source) from None
    planes = [each.label for each in projections(experiment.results.problem)]
    if view.plane is not None and view.plane not in planes:
        raise UserError(f"--plane: there is no plane {view.plane!r}; there are {'; '.join(planes)}")
    reserve_interface_core()
    advance(experiment, 60 * max_time, refine=refine)
    return experiment.results


def _write(contents: dict[Path, bytes], faults: dict[str, str] | None = None) -> None:
    """Write every file whole, or leave it as it was, and name them."""
    from core.errors import ScenarioError
    from core.system.files import write_whole

    for path, content in contents.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ScenarioError(
                str(path), "", f"cannot be written ({(error.strerror or 'unknown error').lower()})"
            ) from None
        write_whole(path, content)
        click.echo(f"Written: {path}")
    if faults:
        raise UserError(f"{'; '.join(faults.values())} (the files show the other samplers)")


# Numbers and code


@export.command()
@click.argument("source")
@click.option(
    "--what",
    default="table",
    metavar="WHAT",
    help="table, curves, particles, law, bracket or report; of a study table, summary, rows or report; of a spectrum "
    "table, eigenvalues, curve or report.  [default: table]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Table: .tex, .md, .tsv; report: .json; rows: .csv, .parquet; else .csv, .npz.  "
    "[default: the table is printed as TSV]",
)
@_t
@click.option("--every-t", is_flag=True, help="Particles or laws at every t; curves always are.")
@_page_options
@max_time_option
@run_overrides
@plugins
def numbers(
    source: str,
    what: str,
    out: Path | None,
    t: int | None,
    max_time: float,
    vary: str | None,
    repeats: int | None,
    *,
    every_t: bool,
    **overrides: Any,  # noqa: ANN401
) -> None:
    """Write numbers of SOURCE: a table, or arrays with errors and kinds."""
    from app.cli.export_pages import PageOptions, find_page, require_rows
    from app.export.taken import endings_of
    from core.text.table_files import TABLE_ENDINGS
    from core.text.user_text import file_name

    endings = endings_of(what)
    if out is not None and out.suffix.lower() not in endings:
        raise UserError(f"--out: {what} is written to files that end in {' or '.join(endings)}")
    taken = find_page(source, PageOptions(vary, repeats), with_curve=what in {"curve", "report"})
    faults = None
    if taken is None:
        taken, faults = _taken_run(source, what, t, max_time, overrides, every_t=every_t)
    else:
        _known(what, taken.numbers)
        require_rows(taken)
    forms = {ending: form for form, ending in TABLE_ENDINGS.items()}
    if what == "table" and out is None:
        click.echo(taken.contents(what, "tsv", every_t=every_t)[".tsv"]().decode(), nl=False)
        return
    path = out or Path("runs") / file_name(taken.name) / f"{what}{endings[0]}"
    ending = path.suffix.lower()
    _write({path: taken.contents(what, forms.get(ending, "tsv"), every_t=every_t)[ending]()}, faults)


def _taken_run(
    source: str, what: str, t: int | None, max_time: float, overrides: dict[str, Any], *, every_t: bool
) -> tuple[Taken, dict[str, str]]:
    """Run a scenario for its numbers; return it and what has failed in samplers of the user's own."""
    from app.export.taken_run import NUMBERS, TakenRun
    from core.snapshot.snapshot import Snapshot

    _known(what, NUMBERS)
    found, view = find_source(source)
    scenario, view = overridden(found, overrides), _view(view, {"t": t})
    frames = what in {"particles", "table"} and (every_t or what == "table")
    results = _run(scenario, found.source, view, max_time, frames=frames, refine=what != "particles")
    return TakenRun(results, view, Snapshot("scenario", scenario.to_toml(), view), True, found.source), results.faults


@export.command()
@click.argument("source")
@click.option(
    "--as",
    "form",
    type=click.Choice(["python", "command", "snapshot"]),
    default="python",
    help="A script, a command line, or a snapshot.  [default: python]",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="File.  [default: it is printed]")
@_t
@_page_options
@plugins
def code(source: str, form: str, out: Path | None, t: int | None, vary: str | None, repeats: int | None) -> None:
    """Write code that computes SOURCE again: a Python script, a command line, or a snapshot."""
    from app.cli.export_pages import PageOptions, find_page

    taken = find_page(source, PageOptions(vary, repeats), with_curve=vary is not None)
    if taken is None:
        text = _code_of_run(source, form, t)
    else:
        text = {"python": taken.script, "command": taken.command, "snapshot": taken.snapshot.to_text}[form]()
    text = text.rstrip("\n") + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    _write({out: text.encode()})


def _code_of_run(source: str, form: str, t: int | None) -> str:
    """Return code of a scenario, which is not run for it."""
    from core.figures.code import command_line, needed_plugins, python_script
    from core.snapshot.snapshot import Snapshot

    found, view = find_source(source)
    view = _view(view, {"t": t})
    if form == "python":
        return python_script(found.scenario, view)
    if form == "command":
        name = source if found.path is None and find_snapshot(source) is None else str(found.path or source)
        return command_line(name, view, "page", needed_plugins(found.scenario))
    return Snapshot("scenario", found.scenario.to_toml(), view).to_text()
