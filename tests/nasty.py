"""Hostile names: markup, formulas, control codes, paths, reserved names, and very long or empty texts."""

from __future__ import annotations

NASTY = (
    "DDNM $$",
    "run $1 of $2",
    r"\frac{1}{0} $\undefined{x}$ \$ end$",
    "p < q & r",
    "<b>bold</b> &amp; <img src='file:///dev/zero'>",
    "[red]not red[/red] [/] [link=file:///]",
    "\x1b[31mred\x1b[0m\x07\x1b]0;title\x07",
    "line\nbreak\r\nand\ttab",
    "\u202ereversed\u202c",
    "=1+1",
    "@SUM(A1)",
    "-2+3",
    "[*] starred",
    "a" * 5000,
    "{braces} %s %d {0}",
    "# heading | table | `code` ~~x~~",
    "..",
    "../../etc/passwd",
    "CON",
    "",
    " ",
)
