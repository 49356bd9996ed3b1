"""Text of values that name something: machines, classes, categories, recordings.

The same thing has the same name in every format. A whole number is written without a fraction:
7, 7.0, "7" and "7.0" are all `7`, since a column of whole numbers becomes one of floats as soon as
a cell is empty. Truths are `True` and `False`, as text of any case too. All other text stays as it
is, but for blanks around: "001" is not "1".
"""

import re
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

WHOLE = re.compile(r"(-?(?:0|[1-9]\d*))\.0*")  # 7.0 as text
POWERS = re.compile(r"-?\d\.\d+[eE][+-]\d\d")  # 7.000e+00, as numpy's savetxt writes 7
TRUTHS = {"true": "True", "false": "False"}
UNNAMED = ("", "None", "nan", "NaT", "<NA>")  # how a missing name reads as text
EXACT = 2.0**53  # float64 holds every whole number up to it


def name_texts(values: ArrayLike) -> NDArray[np.str_]:
    """Names that values stand for, as text of the same shape; empty for a missing value.

    >>> name_texts([7.0, 8.5]).tolist(), name_texts(["7.0", "007", "true"]).tolist()
    (['7', '8.5'], ['7', '007', 'True'])
    """
    given = np.asarray(values)
    if given.dtype.kind in "iub":
        return given.astype(np.str_)
    if given.dtype.kind == "f" and _all_whole(given):
        return given.astype(np.int64).astype(np.str_)
    if given.dtype.kind in "SU":
        return _of_texts(given.astype(np.str_).reshape(-1)).reshape(given.shape)
    flat = [name_text(value) for value in given.reshape(-1).tolist()]
    return np.array(flat, np.str_).reshape(given.shape)


def plain_column(column: Any) -> NDArray[Any]:
    """A column as an array of numpy; of pyarrow, None or NaN where there is no value."""
    if isinstance(column, np.ndarray) or not hasattr(column, "type"):
        return np.asarray(column)
    if hasattr(column.type, "index_type"):  # a dictionary
        column = column.cast(column.type.value_type)
    chunked = hasattr(column, "chunks")
    values: NDArray[Any] = column.to_numpy() if chunked else column.to_numpy(zero_copy_only=False)
    return values


def name_text(value: Any) -> str:
    """The name that one value is; see `name_texts`.

    >>> name_text(7.0), name_text(" 7"), name_text(None)
    ('7', '7', '')
    """
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    text = str(value).strip()
    if text in UNNAMED:
        return ""
    if POWERS.fullmatch(text) and float(text).is_integer() and abs(float(text)) < EXACT:
        return f"{float(text):.0f}"
    whole = WHOLE.fullmatch(text)
    return whole[1] if whole else TRUTHS.get(text.lower(), text)


def natural_order(names: NDArray[Any]) -> NDArray[np.int64]:
    """Order of names in which numbers count by their size: 81 before 100, m2 before m10.

    >>> names = np.array(["m10", "m2", "81", "100"])
    >>> names[natural_order(names)].tolist()
    ['81', '100', 'm2', 'm10']
    """
    keys = [natural_key(str(name)) for name in names.tolist()]
    return np.array(sorted(range(len(keys)), key=lambda i: (keys[i], names[i])), np.int64)


def natural_key(name: str) -> list[tuple[bool, int, str]]:
    """Key to sort names by, in which digits are a number: before other characters, by its size."""
    parts = [part for part in re.split(r"([0-9]+)", name) if part]
    numbers = [p.lstrip("0") if p[0] in "0123456789" else None for p in parts]
    return [
        (True, 0, part) if digits is None else (False, len(digits), digits)
        for part, digits in zip(parts, numbers, strict=True)
    ]


def _all_whole(values: NDArray[Any]) -> bool:
    return bool((np.isfinite(values) & (np.rint(values) == values) & (abs(values) < EXACT)).all())


def _of_texts(texts: NDArray[np.str_]) -> NDArray[np.str_]:
    """Names of text, of which most stay as they are."""
    texts = np.char.strip(texts)
    strange = (np.char.find(texts, ".") >= 0) | np.isin(np.char.lower(texts), [*TRUTHS])
    strange |= np.isin(texts, UNNAMED[1:])
    if not strange.any():
        return texts
    changed = [name_text(text) for text in texts[strange].tolist()]
    texts = texts.astype(f"U{max(1, texts.dtype.itemsize // 4, *map(len, changed))}")
    texts[strange] = changed
    return texts
