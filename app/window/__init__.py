"""The main window: it makes the parts, lays them out and connects them.

Import `open_window` from `start`, and `MainWindow` from `window`.
"""
