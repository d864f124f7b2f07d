"""The command line: run, sweep and list scenarios without a window, or open one.

Import `main` from `commands`; the other modules serve it.
"""
