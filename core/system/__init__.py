"""Operating system services: files, atomic writes, temporary files and signals.

Import `files`, `staging`, `leftovers` and `stop`; nothing here knows a scenario.
"""
