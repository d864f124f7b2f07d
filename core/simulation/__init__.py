"""Simulation of several samplers' particles on common noise, in blocks, with timing.

Import `simulate`, `work` (blocks of bounded size) and `pace`.
"""
