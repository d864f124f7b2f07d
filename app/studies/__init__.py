"""The page Studies: how an answer depends on the problem, set up by hand and measured outside the interface process.

Import `StudiesPage` from `page`. `library` keeps the studies; `runner` starts the command that measures one of them,
`watcher` reads its rows, and `charts` draws them, without knowledge of the others.
"""
