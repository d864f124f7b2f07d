"""Studies: how KL, bound and distances depend on parameters of the problem, the schedule and the samplers.

Import `Study` and `find_study`, `Store` for the rows of a study, `execute` to measure it, `table_of` to read it off,
`export` and `study_figure` for files; `numbers` and
`code` for papers and programs, `use` for notebooks; `Sweep` is the study over the number of steps T.
"""
