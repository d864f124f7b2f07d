"""Tables of words as LaTeX, Markdown and TSV, and columns of numbers as CSV and NPZ."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from core.text.number_format import known
from core.text.user_text import cell_text, one_line

TableForm = Literal["latex", "markdown", "tsv"]
"""LaTeX for the package booktabs, Markdown, or for spreadsheets."""
TABLE_FORMS: tuple[TableForm, ...] = get_args(TableForm)
TABLE_ENDINGS: dict[TableForm, str] = {"latex": ".tex", "markdown": ".md", "tsv": ".tsv"}
Columns = Mapping[str, NDArray[Any]]
"""Columns of equal length by name."""
_GREEK = "gamma varepsilon zeta eta theta lambda mu rho sigma tau Delta Sigma"
_LATEX = {
    "\\": r"\textbackslash{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "−": r"$-$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "→": r"$\to$",
    "‖": r"$\Vert$",
    "ᾱ": r"$\bar\alpha$",
    **{letter: f"$\\{name}$" for letter, name in zip("γεζηθλμρστΔΣ", _GREEK.split(), strict=True)},
    "σ_y": r"$\sigma_y$",
    "–": "--",
    "’": "'",
}
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_LATEX_PARTS = re.compile("([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)|([₀₁₂₃₄₅₆₇₈₉]+)|(σ_y|.)", re.DOTALL)
_MARKDOWN = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>|#$&~"})


def table_text(about: str, titles: Sequence[str], rows: Sequence[Sequence[str]], form: TableForm) -> str:
    """Return a table of words in a form; the first column is that of names.

    Args:
        about: line above it: what it is, with units and errors; left out for spreadsheets.
        titles: of the columns.
        rows: of cells.
        form: one of :data:`TABLE_FORMS`.
    """
    return {"latex": _latex, "markdown": _markdown, "tsv": _tsv}[form](about, titles, rows)


def latex_text(text: str) -> str:
    """Return a line of text for LaTeX: special characters escaped, mathematical signs as mathematics."""
    found = list[str]()
    for raised, lowered, char in _LATEX_PARTS.findall(one_line(text)):
        power, index = raised.translate(_RAISED), lowered.translate(_LOWERED)
        found.append(f"$^{{{power}}}$" if power else f"$_{{{index}}}$" if index else _LATEX.get(char, char))
    return "".join(found)


def _latex(about: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [" & ".join(map(latex_text, row)) + r" \\" for row in [titles, *rows]]
    lines = [
        f"% {one_line(about)}",
        r"\begin{tabular}{l" + "r" * (len(titles) - 1) + "}",
        r"\toprule",
        lines[0],
        r"\midrule",
        *lines[1:],
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _markdown(about: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(titles) - 1)]
    table = [[one_line(text).translate(_MARKDOWN) for text in row] for row in [titles, *rows]]
    lines = [f"| {' | '.join(row)} |" for row in [table[0], rule, *table[1:]]]
    return "\n".join([one_line(about).translate(_MARKDOWN), "", *lines]) + "\n"


def _tsv(_about: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "".join("\t".join(map(cell_text, row)) + "\n" for row in [titles, *rows])


def csv_bytes(columns: Columns) -> bytes:
    """Return columns as CSV; what is unknown or infinite is empty."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(columns)
    for row in zip(*(column.tolist() for column in columns.values()), strict=True):
        writer.writerow([known(value) if isinstance(value, float) else _cell(value) for value in row])
    return file.getvalue().encode()


def npz_bytes(columns: Columns) -> bytes:
    """Return columns as a compressed NPZ file without dates, which numpy.load reads."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, column in columns.items():
            content = io.BytesIO()
            np.save(content, column, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _cell(value: int | str) -> int | str:
    return cell_text(value) if isinstance(value, str) else value
