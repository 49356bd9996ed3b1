"""Survey of tables: what each column is, by its cells and its name.

It imports `_base`, and the readers of `vae_runtime`.
"""

from .records import Code, Column, Survey, Times
from .table import RawBlock, survey

__all__ = ["Code", "Column", "RawBlock", "Survey", "Times", "survey"]
