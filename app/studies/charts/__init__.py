"""Charts of a study: curves along one axis, maps over two, dots and calibration plots without an axis.

Import `StudyCharts` from `study_charts`; every chart here is one metric or one sampler, and all share a cursor.
"""
