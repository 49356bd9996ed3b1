"""Scoring where other programs hold the rows: record batches of Arrow, Spark, Ray.

It imports everything but `live` and `cli`; pyspark and ray are imported when they are used.
"""
