"""User-defined samplers from Python files: loading, validation, and protection of the rest of the process.

Import `loader` to load files, `calls` to ask a sampler what it can do; the rest is theirs.
"""
