"""Rows from files, and results to files."""
