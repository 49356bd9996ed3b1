"""Input rows: files, tables, data frames and arrays to the arrays that a model takes, and windows.

It imports `_base` and `bundle`: the manifest says what a model's rows look like.
"""
