"""Figures of a run for papers and slides, its numbers as files, and the code that computes it again.

- `figures`: `figure` draws what is asked for of results and a view, `write_figure` writes it with its snapshot
- `overlays`: score fields, lines to exact twins, weights and the lens within a panel
- `sheet`: blocks of a figure below each other, with their legends; `panels`, `planes`, `lines`: the samplers' panels
- `time_curves`, `bars`, `table`: plots against t, terms of the bound and weights, the table
- `numbers`: table as LaTeX, Markdown and TSV; curves, particles, laws and brackets as CSV and NPZ
- `code`: a run and its numbers as a Python script, and as a command
"""
