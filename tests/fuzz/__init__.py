"""Mutated scenarios and point files: nothing but the project's own errors, and reports without gaps."""
