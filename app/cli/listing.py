"""The command ``list``: built-in scenarios and samplers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.options import plugins

if TYPE_CHECKING:
    from core.samplers import Sampler

# torch, Qt and matplotlib take seconds to load, so that every command imports what it needs itself.
# ruff: noqa: PLC0415


@click.command("list")
@plugins
def list_() -> None:
    """List the built-in scenarios, and the samplers with formula, assumptions, source and parameters."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from core.samplers import SAMPLERS
    from core.samplers.groups import grouped
    from core.scenario.builtin import gallery_entries
    from core.text.user_text import terminal_text

    console = Console()

    def show(title: str, entries: dict[str, list[str]]) -> None:
        table = Table.grid(padding=(0, 2, 1, 0))
        table.add_column(no_wrap=True)
        for key, lines in entries.items():
            table.add_row(Text(terminal_text(key), style="bold"), Text(terminal_text("\n".join(lines))))
        console.print(Text(title, style="bold"), Padding(table, (1, 0, 1, 2)))

    show("Scenarios", {entry.key: [entry.name, entry.sentence] for entry in gallery_entries()})
    for title, members in grouped(SAMPLERS).items():
        show(f"Samplers: {title}", {key: _describe(sampler) for key, sampler in members.items()})


def _describe(sampler: Sampler) -> list[str]:
    """Return label, summary, formula, assumptions, source and parameters of a sampler, one per line."""
    from core.samplers.groups import evaluations

    about = sampler.about
    formula = about.formula if "=" in about.formula else f"g_t = {about.formula}"
    settings = ", ".join(f"{name} = {value}" for name, value in sampler.parameters().items())
    lines: dict[str, str | None] = {
        "": about.summary,
        "Also known as: ": ", ".join(about.aliases),
        "Score evaluations: ": evaluations(sampler),
        "No bound: ": sampler.no_bound,
        "Formula (LaTeX): ": formula,
        "Assumes: ": about.assumptions,
        "Variant: ": about.variant,
    }
    described = [f"{title}{text}" for title, text in lines.items() if text]
    return [about.label, *described, f"Source: {about.source}", *([f"Parameters: {settings}"] if settings else [])]
