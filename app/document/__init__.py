"""The scenario that is edited: its revisions, its file and what survives a crash.

Import `Document`; it knows no widget.
"""
