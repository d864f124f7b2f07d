"""Samplers from a user's own Python file: loaded, guarded, and kept from changing anything else.

Import `loader` to load files, `calls` to ask a sampler what it can do; the rest is theirs.
"""
