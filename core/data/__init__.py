"""A prior from data: points from a file, and the Gaussian mixture that describes them.

Import everything from here: readers, table layouts, fits, and the scenario made from a fit.
"""

from core.data.array import parse_npy, table_of
from core.data.file import MOST_BYTES, content_of, is_array, parse, read_steps, read_table
from core.data.fit import MOST_COMPONENTS, Fit, best, fits
from core.data.layout import DECIMALS, GUESSED, SEPARATORS, THOUSANDS, Layout
from core.data.prior import FitRequest, FittedPrior
from core.data.table import Points, Table
from core.data.text import parse_bytes, parse_csv

__all__ = [
    "DECIMALS",
    "GUESSED",
    "MOST_BYTES",
    "MOST_COMPONENTS",
    "SEPARATORS",
    "THOUSANDS",
    "Fit",
    "FitRequest",
    "FittedPrior",
    "Layout",
    "Points",
    "Table",
    "best",
    "content_of",
    "fits",
    "is_array",
    "parse",
    "parse_bytes",
    "parse_csv",
    "parse_npy",
    "read_steps",
    "read_table",
    "table_of",
]
