"""Files of any length to files of results: read, scored and written side by side, nothing lost.

It imports all floors up to `runner`.
"""
