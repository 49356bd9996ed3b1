"""Times of rows: dates and epochs to nanoseconds, usual steps, and holes between rows.

It imports `_base`.
"""
