"""Matrices of a scenario (H, covariances): parsing, patterns, checks, and edits that insert them.

Import everything from here.
"""

from core.matrices.checks import MatrixCheck, check_covariance, check_measurement
from core.matrices.edits import (
    MatrixField,
    MixtureColumn,
    block_for,
    covariance_of,
    vector_of,
    with_block,
    with_component_block,
    with_measurement_block,
)
from core.matrices.file import read_matrix
from core.matrices.patterns import COVARIANCES, MEASUREMENTS, Parameter, Pattern
from core.matrices.text import MOST_SIDE, Rows, parse_matrix, parse_readings, parse_vector

__all__ = [
    "COVARIANCES",
    "MEASUREMENTS",
    "MOST_SIDE",
    "MatrixCheck",
    "MatrixField",
    "MixtureColumn",
    "Parameter",
    "Pattern",
    "Rows",
    "block_for",
    "check_covariance",
    "check_measurement",
    "covariance_of",
    "parse_matrix",
    "parse_readings",
    "parse_vector",
    "read_matrix",
    "vector_of",
    "with_block",
    "with_component_block",
    "with_measurement_block",
]
