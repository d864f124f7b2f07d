"""Runs in a process of their own, as the interface sees them.

Import `Session` (the latest run), `task` (work on a thread) and `process`.
"""
