"""The page Spectrum: the errors of linear samplers of Gaussian data, eigenvalue by eigenvalue.

A setting (`document`) is edited on the left (`editor`) and on its spectrum (`spectrum_plot`); predictions come from a
thread (`predictor`), the simulation from a process of its own (`simulator`).
"""
