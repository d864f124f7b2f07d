"""Command-line options and errors that several commands share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from core.errors import ScenarioError

# torch, Qt and matplotlib take seconds to load, so that every command imports what it needs itself.
# ruff: noqa: PLC0415

PROGRAM = "mismatch-lab"
_PATIENCE_SECONDS = 3.0
"""Delay before a message says that a sampler file is still loading."""


class UserError(click.ClickException):
    """Error that the user can correct: one sentence, exit status 2."""

    exit_code = 2


def _load_plugins(_context: click.Context, _option: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Load sampler files named on the command line; naming them is the consent that the window asks for."""
    for path in paths:
        from core.plugins.loader import load_plugin
        from core.text.user_text import one_line

        words = f"{PROGRAM}: {one_line(str(path))} is still loading; Ctrl-C cancels"
        patience = threading.Timer(_PATIENCE_SECONDS, lambda words=words: click.echo(words, err=True))
        patience.daemon = True
        patience.start()
        try:
            load_plugin(path)
        finally:
            patience.cancel()
    return paths


plugins = click.option(
    "--plugin",
    type=click.Path(path_type=Path),
    metavar="FILE",
    multiple=True,
    is_eager=True,
    expose_value=False,
    callback=_load_plugins,
    help="Python file with a sampler of your own; its code is run. May be given several times.",
)


def with_source(error: ScenarioError, source: str) -> ScenarioError:
    """Return the error with the scenario's name as source, unless it names a source (a sampler's file) already."""
    from core.errors import ScenarioError

    return ScenarioError(error.source or source, error.field, error.reason)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn an OSError while writing to a folder into a UserError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror.lower() if error.strerror else str(error)
        raise UserError(f"--out: cannot write to {folder} ({reason})") from None
