"""Options and refusals that several commands share."""

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
"""After so long a sampler's file that still loads is spoken of."""


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


def named(error: ScenarioError, source: str) -> ScenarioError:
    """What is wrong with a scenario, under its name; what is wrong with a sampler's file has a name already."""
    from core.errors import ScenarioError

    return ScenarioError(error.source or source, error.field, error.reason)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Refuse in one sentence what cannot be written to a folder."""
    try:
        yield
    except OSError as error:
        reason = error.strerror.lower() if error.strerror else str(error)
        raise Refused(f"--out: cannot write to {folder} ({reason})") from None
