"""Entry point of the command line: dispatch to the commands and turn errors and signals into an exit status."""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click_default_group import DefaultGroup

from app.cli.display import NoDisplayError, ensure_display
from app.cli.export import export
from app.cli.film import film
from app.cli.listing import list_
from app.cli.options import PROGRAM, UserError, plugins
from app.cli.run import run
from app.cli.source import find_other_page, find_source
from app.cli.spectrum import spectrum
from app.cli.study import study
from app.cli.sweep import sweep
from core.system.leftovers import remove_leftovers
from core.system.stop import stop
from core.version import product_version

# torch, Qt and matplotlib take seconds to load, so that every command imports what it needs itself.
# ruff: noqa: PLC0415

CLOSED_PIPE = 1
"""Exit status after a broken pipe, the same as click's."""


@click.command("open")
@click.argument("scenario", required=False)
@plugins
def open_(scenario: str | None) -> int:
    """Open the window on SCENARIO, or on the default scenario.

    SCENARIO may also be a study, spectrum or storyboard file, an exported file, or the text of a snapshot.
    """
    if scenario is None:
        ensure_display()
    gc.disable()  # until the window is up: what imports leave is never collected, and looking through it takes long
    try:
        from app.run.worker import shared_worker

        shared_worker().spawn()  # the worker process imports torch while the window is built
        from app.document.limits import require_showable
        from core.scenario.builtin import DEFAULT

        snapshot = None if scenario is None else find_other_page(scenario)
        is_of_explore = snapshot is None or snapshot.kind == "scenario"
        # Errors of the scenario come before a missing display.
        found, _ = find_source(scenario if scenario and is_of_explore else DEFAULT)
        require_showable(found.scenario, found.source)
        ensure_display()
        from app.window.start import open_window

        return open_window(found.scenario, found.path, snapshot)
    finally:
        gc.enable()


class _Commands(DefaultGroup):
    """Command group that turns Ctrl-C into an abort itself, since click would print an empty line."""

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


for _command in (open_, run, study, sweep, spectrum, export, film, list_):
    cli.add_command(_command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; a user's mistake prints one sentence and gives 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot write ± must not end a run
    with stop.listening():
        try:
            status = cli.main(argv, prog_name=PROGRAM, standalone_mode=False)
            sys.stdout.flush()
        except BaseException as error:  # also the exception that a signal has become
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
    """Print one sentence for an error of the user and return the exit status; raise any other error again."""
    from core.errors import ScenarioError

    if isinstance(error, OSError):
        return _without_output(error)
    if isinstance(error, click.ClickException):
        return _refuse(error.format_message())
    if isinstance(error, NoDisplayError | ScenarioError):
        return _refuse(str(error))
    raise error


def _without_output(error: OSError) -> int:
    """Return the exit status after standard output failed; a reader that closed the pipe is no error."""
    if error.errno not in {errno.EPIPE, errno.ENOSPC, errno.EIO}:
        raise error
    _drop_output()
    if error.errno == errno.EPIPE:
        return CLOSED_PIPE
    return _refuse(f"cannot write to standard output ({(error.strerror or 'unknown error').lower()})")


def _drop_output() -> None:
    """Redirect standard output to the null device, since Python flushes it once more when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(sentence: str) -> int:
    from core.text.user_text import one_line

    click.echo(f"{PROGRAM}: {one_line(sentence, 2000)}", err=True)
    return UserError.exit_code
