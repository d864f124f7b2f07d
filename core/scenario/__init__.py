"""Scenarios: schema, validation, edits, TOML files, and built-in scenarios.

Import `Scenario`, `edits`, `plane_edits` and `builtin`. Every change of a scenario is a function from `edits`, or from
`plane_edits` for what is dragged on a plane; `app.planes.handles.controller` calls those.
"""
