"""Runs: the results that advances samplers and terms, its results as data, and the memory it needs.

Import `Results` to compute, `Results` to read, `memory` to ask first.
"""
