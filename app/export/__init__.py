"""The dialog that takes figures, numbers, code and films away from the page Explore.

Import `ExportDialog` from `dialog`.
"""
