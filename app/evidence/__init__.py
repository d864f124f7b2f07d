"""The evidence dock: headline plot, tabs of details and the table of bound, KL and distances.

Import `EvidenceDock` from `dock`.
"""
