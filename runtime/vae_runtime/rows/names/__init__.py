"""Names that values give: missing columns, labels, categories, texts of what names something.

It imports `_base` and `bundle`.
"""
