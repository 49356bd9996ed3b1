"""Windows over tables in memory: how tables are cut, and which rows each window covers.

It imports `_base`, `bundle`, `names` and `times`.
"""
