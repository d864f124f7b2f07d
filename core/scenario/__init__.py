"""Scenarios: schema, validation, edits, the text of their files, and those that are built in.

Import `Scenario`, `edits`, `plane_edits` and `builtin`; every change of a scenario is an edit from here.
"""
