"""The command ``export``: figures, numbers and code of a run, without a window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from app.cli.options import UserError, plugins, with_source
from app.cli.run import advance, max_time_option, overridden, run_overrides
from app.cli.source import find_snapshot, find_source

if TYPE_CHECKING:
    from core.drawing.style import Style
    from core.runs.results import Results
    from core.scenario.scenario import Scenario
    from core.snapshot.view import View

# torch and matplotlib take seconds to load, so that every command imports what it needs itself.
# ruff: noqa: PLC0415

_Command = TypeVar("_Command", bound=Callable[..., Any])
_WIDTHS = {"column": 84.0, "text": 174.0}
"""Widths by name, in millimetres."""
_WITHOUT_KL = {"per-step", "composition", "weights"}
"""Figures that show no KL and no distances, so that the run is not refined for them."""
_VIEW = ("t", "linear", "axis", "extent", "plane", "sampler", "overlays")
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
        click.option("--sampler", metavar="KEY", help="The only sampler whose panel is drawn."),
        click.option(
            "--overlays", metavar="NAME,...", help="Overlays: target, trails, law, ratio.  [default: the view's]"
        ),
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
@click.option("--what", default="panels", metavar="WHAT", help="What is drawn, as listed above.  [default: panels]")
@_t
@_view_options
@_style_options
@max_time_option
@run_overrides
@plugins
def figure(
    source: str,
    out: tuple[Path, ...],
    what: str,
    dpi: int,
    max_time: float,
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
    the table. Every file carries its snapshot: the window opens it again.
    """
    from core.drawing.style import Style
    from core.figures.figures import require_ending

    style = Style(look, width, serif, points, title)
    for path in out:
        require_ending(path)
    view_options = {
        name: others.pop(name) for name in ("t", "linear", "axis", "extent", "plane", "sampler", "overlays")
    }
    if _drawn_other_page(source, out, style, dpi):
        return
    _draw_run(source, out, what, style, dpi, max_time, view_options, others)


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
    from core.errors import suggest
    from core.figures.figures import WHAT, figure_content, require_ending
    from core.figures.figures import figure as draw
    from core.snapshot.snapshot import Snapshot
    from core.text.user_text import file_name

    if what not in WHAT:
        raise UserError(f"--what: there is no {what!r}{suggest(what, WHAT)}; there are {', '.join(WHAT)}")
    found, view = find_source(source)
    scenario, view = overridden(found, overrides), _view(view, view_options)
    paths = out or (Path("runs") / file_name(found.name) / f"{what}.svg",)
    results = _run(scenario, found.source, view, max_time, frames=what in _WITH_FRAMES, refine=what not in _WITHOUT_KL)
    drawn = draw(results, view, what, style)
    snapshot = Snapshot("scenario", scenario.to_toml(), view)
    _write(
        {path: figure_content(drawn, require_ending(path), style, snapshot, dpi=dpi) for path in paths}, results.faults
    )


def _view(view: View, options: dict[str, Any]) -> View:
    """Return the source's view with the options in place of its values, validated like a snapshot's."""
    from core.snapshot.view import View

    data = view.to_dict()
    if options["t"] is not None or view.t is None:
        data["t"] = 1 if options["t"] is None else options["t"]
    for option, name in (("axis", "time_axis"), ("plane", "plane"), ("sampler", "enlarged")):
        if options.get(option) is not None:
            data[name] = options[option]
    if options.get("linear") is not None:
        data["logarithmic"] = not options["linear"]
    if options.get("overlays") is not None:
        data["overlays"] = [part.strip() for part in options["overlays"].split(",") if part.strip()]
    if options.get("extent") is not None:
        try:
            data["extent"] = [float(part) for part in options["extent"].split(",")]
        except ValueError:
            raise UserError("--extent: must be four numbers with commas: left, right, bottom, top") from None
    return View.from_dict(data)


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


# Studies and spectra


def _drawn_other_page(source: str, out: tuple[Path, ...], style: Style, dpi: int) -> bool:
    """Draw a study or a spectrum, if the source is one; return whether it is."""
    from app.cli.export_pages import page_of, spectrum_drawing, study_drawing

    snapshot = find_snapshot(source)
    page = page_of(source, snapshot)
    if page is None:
        return False
    from core.figures.figures import figure_content, require_ending

    name, drawn, shown = (study_drawing if page == "study" else spectrum_drawing)(source, snapshot, style)
    paths = out or (Path("runs") / name / f"{page}.svg",)
    _write({path: figure_content(drawn, require_ending(path), style, shown, dpi=dpi) for path in paths})
    return True


# Numbers and code

_FORMS = {".tex": "latex", ".md": "markdown", ".tsv": "tsv"}


@export.command()
@click.argument("source")
@click.option(
    "--what",
    type=click.Choice(["table", "curves", "particles", "law", "bracket", "report"]),
    default="table",
    help="What is written.  [default: table]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Table: .tex, .md, .tsv; report: .json; else .csv, .npz.  [default: the table is printed as TSV]",
)
@_t
@click.option("--every-t", is_flag=True, help="Particles or laws at every t; curves always are.")
@max_time_option
@run_overrides
@plugins
def numbers(
    source: str,
    what: Any,  # noqa: ANN401 - one of the choices
    out: Path | None,
    t: int | None,
    max_time: float,
    *,
    every_t: bool,
    **overrides: Any,  # noqa: ANN401
) -> None:
    """Write numbers of SOURCE: the table at t, or arrays with errors and kinds."""
    from core.text.user_text import file_name

    endings = {"table": tuple(_FORMS), "report": (".json",)}.get(what, (".csv", ".npz"))
    if out is not None and out.suffix.lower() not in endings:
        raise UserError(f"--out: {what} is written to files that end in {' or '.join(endings)}")
    found, view = find_source(source)
    scenario, view = overridden(found, overrides), _view(view, {"t": t})
    frames = what in {"particles", "table"} and (every_t or what == "table")
    results = _run(scenario, found.source, view, max_time, frames=frames, refine=what != "particles")
    frame = results.frame(view.t or 0)
    if what == "table" and out is None:
        from core.figures.numbers import table_text

        click.echo(table_text(results, frame, "tsv"), nl=False)
        return
    path = out or Path("runs") / file_name(found.name) / f"{what}{endings[0]}"
    shown = None if every_t or what == "curves" else frame
    _write({path: _numbers(results, what, path.suffix.lower(), frame, shown)}, results.faults)


def _numbers(results: Results, what: Any, ending: str, frame: int, shown: int | None) -> bytes:  # noqa: ANN401
    """Return the content of a file of numbers."""
    from core.figures.numbers import array_columns, csv_bytes, npz_bytes, table_text

    if what == "table":
        return table_text(results, frame, _FORMS[ending]).encode()  # type: ignore[arg-type]
    if what == "report":
        from core.reporting.report import report_bytes

        return report_bytes(results)
    columns = array_columns(results, what, shown)
    return csv_bytes(columns) if ending == ".csv" else npz_bytes(columns)


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
@plugins
def code(source: str, form: str, out: Path | None, t: int | None) -> None:
    """Write code that computes SOURCE again: a Python script, a command line, or a snapshot."""
    from core.figures.code import command_line, needed_plugins, python_script
    from core.snapshot.snapshot import Snapshot

    found, view = find_source(source)
    view = _view(view, {"t": t})
    if form == "python":
        text = python_script(found.scenario, view)
    elif form == "command":
        name = source if found.path is None and find_snapshot(source) is None else str(found.path or source)
        text = command_line(name, view, "page", needed_plugins(found.scenario)) + "\n"
    else:
        text = Snapshot("scenario", found.scenario.to_toml(), view).to_text() + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    _write({out: text.encode()})
