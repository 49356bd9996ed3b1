"""Scores to verdicts: p-values, alarms, machines with thresholds of their own, thresholds set anew.

It imports `_base`, `bundle`, `rows` and `backends`.
"""
