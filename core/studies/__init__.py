"""Studies: how the KL and its bound depend on a parameter, here the number of steps T.

Import `Sweep`, and `sweep_files` to keep its numbers and its figure.
"""
