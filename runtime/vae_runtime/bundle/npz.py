"""The arrays of a bundle's probe, read within bounds that the file's own size sets.

numpy's reader believes what a file says of itself: a few bytes can ask for any amount of memory.
This one takes the plainest .npz alone, numbers as numpy itself writes them, and allocates nothing
larger than what it has already seen the bytes of.

Source: numpy.lib.format, versions 1.0 and 2.0.
"""

import io
import math
import re
import struct
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_ARRAYS = 256
LONGEST_DIRECTORY = MOST_ARRAYS * 256  # bytes: an entry has 46, a name and little else
LONGEST_HEADER = 1024  # bytes of an array's header; numpy's have 118
INFLATION = 64  # times the file's size; a probe of numbers shrinks to a half or a tenth
SLACK = 2**20  # bytes beyond that: a small file of zeros shrinks to a thousandth

_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    rb"\{ *'descr': *'([<|])(f[248]|[iu][1248])', *'fortran_order': *(True|False), *"
    rb"'shape': *\(((?:\d{1,12}, *)*(?:\d{1,12})?)\),? *\} *\n"
)

# What zipfile raises at archives that are cut, damaged, encrypted or of a newer kind.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError),
    OverflowError,
)

# What ends an archive: signature, disk, directory's disk, entries on disk, entries, directory's
# size, offset, length of comment.
_END = struct.Struct("<4s4H2IH")
_END_OF_64 = b"PK\x06\x07"  # stands before it where numbers are too large for it
_END_OF_64_SIZE = 20


def read(content: bytes) -> dict[str, NDArray[Any]]:
    """Arrays of an .npz file by name; ValueError for anything but plain numbers."""
    _check_end(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive.infolist(), len(content))
            found = {m.filename: _member(archive, m) for m in archive.infolist()}
    except _DAMAGED as error:
        raise ValueError(f"it is not a valid zip archive ({ascii(str(error))[1:80]})") from error
    return {name.removesuffix(".npy"): _array(name, data) for name, data in found.items()}


def _check_end(content: bytes) -> None:
    """Refuses a directory of members that would take minutes to read, before reading it."""
    if len(content) < _END.size:
        raise ValueError("it is not a valid zip archive (it is too short)")
    end = len(content) - _END.size
    mark, *_, count, size, _, comment = _END.unpack_from(content, end)
    if mark != b"PK\x05\x06" or comment:
        raise ValueError("it is not a valid zip archive (it does not end as one without a comment)")
    large = content[max(end - _END_OF_64_SIZE, 0) : end].startswith(_END_OF_64)
    if count > MOST_ARRAYS or size > LONGEST_DIRECTORY or large:
        raise ValueError(f"it has {count} arrays and {size} bytes of directory, too many")


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    names = {member.filename for member in members}
    if len(members) > MOST_ARRAYS or len(names) < len(members):
        raise ValueError(f"it has {len(members)} arrays, too many or of one name")
    strange = [ascii(name)[:100] for name in names if not re.fullmatch(r"[\w.]{1,100}\.npy", name)]
    if strange:
        raise ValueError(f"it holds {strange[0]}, which is not an array")
    whole = sum(member.file_size for member in members)
    if whole > INFLATION * size + SLACK:
        raise ValueError(f"its {size} bytes would become {whole}")


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename} is compressed in another way than by deflate")
    with archive.open(member) as file:
        data = file.read(member.file_size)  # without a number it would inflate all there is
    if len(data) != member.file_size:
        raise ValueError(f"{member.filename} is shorter than it says")
    return data


def _array(name: str, data: bytes) -> NDArray[Any]:
    """Parses an .npy file: magic, version, length of the header, header, values."""
    wide = 4 if data[6:8] == b"\x02\x00" else 2  # bytes of that length
    start = 8 + wide + int.from_bytes(data[8 : 8 + wide], "little")
    header = None
    if start <= min(len(data), LONGEST_HEADER):
        header = _HEADER.fullmatch(data, 8 + wide, start)
    if data[:6] != _MAGIC or data[6:8] not in (b"\x01\x00", b"\x02\x00") or header is None:
        raise ValueError(
            f"{name} is not an array of plain numbers (objects, texts and records are not)"
        )
    order, kind, fortran, sizes = (group.decode() for group in header.groups())
    dtype = np.dtype(order + kind)
    shape = tuple(int(size) for size in sizes.replace(" ", "").split(",") if size)
    if len(shape) > 9 or math.prod(shape) * dtype.itemsize != len(data) - start:
        raise ValueError(f"{name} says shape {shape}, which its {len(data) - start} bytes are not")
    values = np.frombuffer(data, dtype, offset=start)
    return values.reshape(shape, order="F" if fortran == "True" else "C")
