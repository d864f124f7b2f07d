"""Files, signals and leftovers: what the operating system gives and takes.

Import `files`, `staging`, `leftovers` and `stop`; nothing here knows a scenario.
"""
