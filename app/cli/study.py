"""The command ``study``: measure a study on all cores or a cluster, resume it, and write its tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.options import UserError, plugins, writing_to
from core.system.leftovers import remove_leftovers

if TYPE_CHECKING:
    from core.studies.builtin import LoadedStudy
    from core.studies.store import Store

# torch, Qt and matplotlib take seconds to load, so that every command imports what it needs itself.
# ruff: noqa: PLC0415

STORE = "study.sqlite"
"""Name of the file with a study's rows."""


@click.command()
@click.argument("study")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for study.sqlite and the exports.  [default: runs/NAME]",
)
@click.option(
    "--jobs", type=click.IntRange(min=1, max=512), metavar="N", help="Worker processes.  [default: one for every core]"
)
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="Scheduler of a Dask cluster that measures the cells, for example tcp://host:8786.",
)
@click.option(
    "--replicates",
    type=click.IntRange(min=1, max=10_000),
    metavar="N",
    help="Replicates of every point, instead of the study's own number; rows that are stored stay valid.",
)
@click.option("--retry", is_flag=True, help="Measure cells again that failed before.")
@click.option("--table", is_flag=True, help="Print the tables of study.txt, too.")
@plugins
def study(
    study: str,
    out: Path | None,
    jobs: int | None,
    dask: str | None,
    replicates: int | None,
    *,
    retry: bool,
    table: bool,
) -> None:
    """Measure STUDY, a study file (TOML), a built-in study or a snapshot, and write tables and figures.

    Rows are kept as they arrive: a second start continues where the first one ended, and a finished study is not
    computed again.
    """
    from core.plugins.loader import fingerprint, loaded_contents
    from core.studies.export import FILES, write_study
    from core.studies.store import Store
    from core.system.staging import nearest_folder, require_places
    from core.text.user_text import file_name

    found = _found(study)
    if replicates is not None:
        found = found._replace(study=found.study.with_replicates(replicates))
    folder = out or Path("runs") / file_name(found.name)
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        require_places(folder, [STORE, *FILES])
        remove_leftovers([folder, nearest_folder(folder)])
    contents = loaded_contents()
    with Store.open(folder / STORE, found.study, [fingerprint(content) for _, content in contents]) as store:
        _say_what_is_there(store)
        if retry:
            store.forget_failed()
        failed = _follow(store, jobs, dask)
        with writing_to(folder):
            write_study(store, folder)
        if table:
            _print_tables(store)
    click.echo(
        f"Figure: {folder / 'study.svg'} (beside it: {', '.join(name for name in FILES if name != 'study.svg')})"
    )
    if failed:
        raise UserError(
            f"{failed} of {found.study.count} cells failed; study.json names the reasons, --retry starts them again"
        )


def _found(name: str) -> LoadedStudy:
    """Load a study by its file or key, or from a snapshot.

    Raises:
        ScenarioError: there is no such study, it is not valid, or the snapshot is one of another page.
    """
    from app.cli.source import find_snapshot
    from core.errors import ScenarioError
    from core.studies.builtin import LoadedStudy, find_study
    from core.studies.study import Study

    snapshot = find_snapshot(name)
    if snapshot is None:
        return find_study(name)
    if snapshot.kind != "study":
        raise ScenarioError("the snapshot", "", f"holds no study but a {snapshot.kind}")
    made = Study.from_toml(snapshot.toml, "the snapshot").fixed()
    return LoadedStudy(made, made.name, "the snapshot")


def _say_what_is_there(store: Store) -> None:
    if store.completed:
        click.echo(f"{store.completed} of {store.study.count} cells are there already", err=True)
    if store.obsolete:
        click.echo(
            f"{store.obsolete} stored cells do not belong to the study as it is now; they are kept, and not shown",
            err=True,
        )


def _print_tables(store: Store) -> None:
    from rich.console import Console
    from rich.table import Table

    from core.studies.summary import table_of
    from core.studies.text_table import text_tables

    console = Console()
    for found in text_tables(store.study, table_of(store.cells())):
        shown = Table(*found.header, title=found.title, title_justify="left")
        for row in found.rows:
            shown.add_row(*row)
        console.print(shown)


def _follow(store: Store, jobs: int | None, dask: str | None) -> int:
    """Measure the pending cells, showing progress; return how many failed."""
    from contextlib import closing

    from app.cli.progress import progress_reporter
    from core.plugins.loader import loaded_contents
    from core.studies.execute import execute

    failed = sum(bool(each.reason) for each in store.cells())
    try:
        with progress_reporter() as show, closing(execute(store, loaded_contents(), jobs=jobs, dask=dask)) as running:
            for progress in running:
                show(progress.completed, progress.total, f"{store.study.name}: cells")
    except OSError as error:
        if dask is None:
            raise
        raise UserError(f"--dask: cannot reach a scheduler at {dask} ({error})") from None
    except ImportError:
        raise UserError("--dask: needs the package distributed: pip install 'mismatch-lab[cluster]'") from None
    return failed + progress.failed
