"""The evidence dock: headline plot, closer looks and the table of bound, KL and distances.

Import `EvidenceDock` from `dock`.
"""
