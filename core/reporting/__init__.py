"""Reports: findings, one-line summary, files and figures of a finished run.

Import `write_report`, `findings` and `summary`; figures load matplotlib when they are drawn.
"""
