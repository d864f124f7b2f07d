"""Handles over the planes: what is dragged, by mouse and keys, and the controller that makes edits of it.

Import `HandleController` from `controller`; panels draw `handles`.
"""
