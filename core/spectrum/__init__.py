"""Gaussian error analysis of linear samplers, eigenvalue by eigenvalue (theory.md section 6).

For data N(0, C) a sampler with a linear score acts on the eigenvalues lambda of C alone: it produces the variances
``h(lambda)``, h a scalar function of the sampler's parameters, and every error follows from h.

- `spectra`, `sources`: eigenvalues, and where they come from
- `jets`: truncated Taylor series, on which every h is evaluated for its derivatives
- `methods`: what a method is, its sources of error, and methods made of steps
- `langevin`, `vp`, `discrete`: the methods
- `recursion`, `compiled_steps`: steps as tables of numbers, and the compiled loops that run them in many dimensions
- `divided`: divided differences of h over all pairs of eigenvalues
- `errors`: W2, KL, the kernel norm, and the errors of learning from samples and by SGD; `learned_langevin`: the
  latter's moments for Langevin sampling
- `validity`: where predictions may be shown as right
- `budget`: W2^2 by source
- `published`, `published_text`: the table of Pierret and Galerne
- `setting`, `sections`, `builtin`: a spectrum, a method and what is learned, as a TOML file
- `prediction`: all of the above for one setting, as plain data
- `simulation`, `propagation`: ground truth of the same setting, with standard errors
- `optimum`: W2 against any number, and the numbers that minimise it under a budget
- `along`: simulation of the curve of W2 against a number
- `use`: the names for notebooks and programs
- `report`, `summary`, `figure`: what the command `spectrum` writes and prints
- `views`: the kernel norm in blocks, samples as clouds and pictures
- `numbers`, `code`: tables and columns for papers and programs, and what computes a setting again
"""
