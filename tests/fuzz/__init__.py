"""Fuzzing with mutated scenarios and point files: only ScenarioError may be raised, and every report is complete."""
