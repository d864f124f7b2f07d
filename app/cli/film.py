"""The command ``film``: a scenario, a snapshot or a storyboard, played and written as a film."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.options import UserError, plugins, with_source
from app.cli.source import find_snapshot, find_source

if TYPE_CHECKING:
    from app.film.job import FilmJob
    from app.film.make import Progress

# torch, Qt and matplotlib take seconds to load, so that every command imports what it needs itself.
# ruff: noqa: PLC0415

_WHAT = ("panels", "panel", "panels and evidence", "evidence")


def _size(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    try:
        return int(width), int(height)
    except ValueError:
        raise click.BadParameter("must be WIDTHxHEIGHT, such as 1280x720") from None


@click.command()
@click.argument("source")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="FILE.mp4, FILE.webp or FILE.gif; a name without ending is a folder of numbered PNG files.",
)
@click.option("--what", type=click.Choice(_WHAT), help="Content.  [default: panels and evidence]")
@click.option("--size", callback=_size, metavar="WxH", help="Width and height, even.  [default: 1280x720]")
@click.option("--fps", type=float, metavar="N", help="Pictures a second.  [default: 30]")
@click.option("--seconds", type=float, metavar="S", help="Duration from start to end, of each scene.")
@click.option("--speed", type=float, metavar="X", help="Speed; 1 plays a whole run in 6 s.  [default: 1]")
@click.option("--from", "start", type=int, metavar="T", help="The t to start at.  [default: T]")
@click.option("--to", "end", type=int, metavar="T", help="The t to end at.  [default: 1]")
@click.option("--hold", type=float, metavar="S", help="Seconds for which it stays at the end.  [default: 1.5]")
@click.option("--theme", type=click.Choice(("light", "dark")), help="Colours.  [default: light]")
@click.option("--text", type=float, metavar="X", help="Factor of the size of text, 0.8 to 2.  [default: 1.25]")
@click.option("--line", type=float, metavar="X", help="Factor of the width of lines, 0.5 to 3.  [default: 1.25]")
@click.option("--heading", metavar="TEXT", help="Words above.")
@click.option("--caption", metavar="TEXT", help="Words below.")
@click.option("--once", is_flag=True, help="Play a WebP or GIF once only.")
@plugins
def film(source: str, out: Path, size: tuple[int, int] | None, **options: Any) -> None:  # noqa: ANN401 - click's
    """Make a film of SOURCE: a scenario, a file or text with a snapshot, or a storyboard.

    It shows what the window shows of it, and is the same film as the window's.
    """
    from app.film.job import format_of
    from app.film.make import make_film, require_place
    from app.film.pictures import offscreen_application
    from app.run.process import reserve_interface_core
    from core.simulation.pace import in_words

    given = {name: value for name, value in options.items() if value is not None and name != "once"}
    if size is not None:
        given |= {"width": size[0], "height": size[1]}
    job = _job(source, {**given, "format": format_of(out), "loop": not options["once"]})
    try:
        require_place(out.absolute(), job)
    except OSError as error:
        raise UserError(f"--out: cannot write to {out} ({(error.strerror or str(error)).lower()})") from None
    reserve_interface_core()
    offscreen_application()
    from app.cli.progress import progress_reporter

    with progress_reporter() as show:

        def report(progress: Progress) -> None:
            left = progress.seconds_left
            what = progress.what if left is None else f"{progress.what}, {in_words(left)} left"
            show(progress.done, progress.total, what)

        make_film(job, out, report)
    click.echo(f"Film: {out} ({job.count} pictures, {job.width} x {job.height})")


_OF_SCENES = ("what", "seconds", "speed", "start", "end", "hold", "heading", "caption")
"""Options that belong to a scene."""


def _job(source: str, given: dict[str, Any]) -> FilmJob:
    """Return the film of a source.

    Raises:
        ScenarioError: the source is not valid, or an option.
    """
    from app.film.job import FilmJob
    from core.errors import ScenarioError

    of_scene = {name: given.pop(name) for name in _OF_SCENES if name in given}
    storyboard = _storyboard(source)
    try:
        if storyboard is not None:
            if of_scene:
                raise UserError(f"--{next(iter(of_scene))}: is each scene's own in a storyboard")
            return FilmJob.of_storyboard(storyboard, **given)
        found, view = find_source(source)
        scene = {"scenario": found.scenario.to_dict(), "view": view.to_dict(), **of_scene}
        return FilmJob.from_dict({"scenes": [scene], **given})
    except ScenarioError as error:
        raise with_source(error, "film") from None


def _storyboard(source: str) -> Any:  # noqa: ANN401 - a Storyboard, or None
    """Return the storyboard that a source names or carries; None for other sources."""
    from core.scenario.file_section import TomlFile
    from core.snapshot.kinds import kind_of
    from core.storyboard.builtin import builtin_storyboards, find_storyboard
    from core.storyboard.storyboard import Storyboard
    from core.system.files import is_file

    snapshot = find_snapshot(source)
    if snapshot is not None:
        return Storyboard.from_toml(snapshot.toml, "the snapshot") if snapshot.kind == "storyboard" else None
    path = Path(source)
    if not is_file(path):
        return find_storyboard(source) if source in builtin_storyboards() else None
    file = TomlFile.read(path)
    return Storyboard.from_dict(file.data, source) if kind_of(file.data) == "storyboard" else None
