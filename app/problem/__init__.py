"""The problem dock: every number of a scenario as a field.

Import `ProblemEditor` from `dock`; each section has a module.
"""
