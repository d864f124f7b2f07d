"""Runs: the experiment that advances samplers and terms, its results as data, and the memory it needs.

- `experiment`: `run`, and `Experiment` for those who own the loop
- `results`: `Results`, and `Update`, what is new in them for another process
- `memory`: how much a run will need
"""
