"""The dialog that takes figures, numbers and code away from every page, and films from Explore.

Import `ExportDialog` from `dialog`; `taken_run`, `taken_study` and `taken_spectrum` are what it takes from the pages.
"""
