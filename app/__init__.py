"""The window, the command line, and everything else that people touch.

Rooms from the ground up: `settings`, `theme`, `widgets`, `run`, `document`, `transport`, `evidence`, `planes`,
`problem`, `files`, `help`, `window`, `cli`; each imports what stands before it.
"""
