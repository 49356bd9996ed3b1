"""Files as shards, and shards as blocks: a module for each format, and a table of all.

It imports `_base`, `bundle` and the modules of `rows`.
"""
