"""Arrays of .npz files, and what numpy says of files that it cannot read."""

import tokenize
import zipfile
import zlib
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

# What numpy and zipfile raise at files that are cut, damaged, encrypted or something else.
UNREADABLE = (
    ValueError,
    TypeError,
    EOFError,
    SyntaxError,
    RuntimeError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def load_npz(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    """Arrays of an .npz file; ValueError for anything but plain numbers."""
    try:
        arrays = np.load(file, allow_pickle=False)
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise ValueError("it holds a single array.")
        return {key: arrays[key] for key in arrays.files}
    except UNREADABLE as error:
        raise ValueError(why_unreadable(error)) from error


def why_unreadable(error: Exception) -> str:
    """Text of numpy's error, without its advice to allow pickles, which run code of the file."""
    if "allow_pickle" in str(error):
        return "it holds Python objects, or is not such a file at all."
    return str(error)
