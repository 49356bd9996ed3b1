"""Text of tables: endings, encodings, dialects, headers, and the meaning of a cell.

It imports `_base`, `bundle` and `names`.
"""
