"""Features that make a score what it is, and the names that an alarm gives for it.

It imports `_base`, `bundle`, `rows`, `backends` and `verdicts`.
"""
