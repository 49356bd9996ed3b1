"""Text files as streams of bytes in utf-8, whatever they are packed in and encoded as.

A file that is compressed or in another encoding is read from its begin, as places in it cannot be
sought; others are sought in. What a file is packed in is told by its first bytes, not by its name.
"""

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from vae_runtime._base.libraries import find, need
from vae_runtime.bundle.records import ENCODINGS as ENCODINGS

from .archives import members, unpacked_zip

BOM = codecs.BOM_UTF8
UTF8 = "utf-8"
NAMES = {  # as they are typed, beside those
    "utf8": UTF8,
    "utf-8-sig": UTF8,
    "ascii": UTF8,
    "utf-16": "utf-16-le",
    "utf16": "utf-16-le",
    "latin1": "latin-1",
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
    "cp-1252": "cp1252",
}
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")  # endings of files that are packed
ZIP = b"PK\x03\x04"
SKIPPED = 2**20  # bytes that are read at once of what is thrown away
UTF16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, UnicodeDecodeError, ValueError)


def encoding_named(name: str) -> str:
    """The encoding of `ENCODINGS` that a name means; ValueError for others."""
    found = NAMES.get(name.lower(), name.lower())
    if found not in ENCODINGS:
        raise ValueError(f"expected an encoding of {', '.join(ENCODINGS)}. Received: {name:.40}.")
    return found


def is_packed(path: Path) -> bool:
    """True for a file that is compressed, by its first bytes."""
    with path.open("rb") as file:
        return _unpacker(path, file) is not None


def is_streamed(path: Path, encoding: str = UTF8) -> bool:
    """True for a file that is read from its begin alone: it is compressed, or not in utf-8."""
    return encoding != UTF8 or is_packed(path)


def head_of(path: Path, size: int) -> bytes:
    """The first bytes of a file, or of what is packed in it, as they are."""
    with path.open("rb") as file, _naming(path):
        return _whole_read(_unpacked(path, file), size)


@contextmanager
def open_text(path: Path, encoding: str = UTF8) -> Iterator[IO[bytes]]:
    """Context with a file's text as a stream of bytes in utf-8; see also `skip`."""
    with path.open("rb") as file:
        if not is_streamed(path, encoding):
            yield file
            return
        stream = _unpacked(path, file)
        if encoding != UTF8:
            stream = cast(IO[bytes], _Recoded(stream, encoding))
        yield cast(IO[bytes], _Whole(path, stream))


def skip(file: IO[bytes], size: int) -> None:
    """Moves a stream of `open_text` from its begin to behind so many bytes."""
    if file.seekable():
        file.seek(size)
        return
    while size:
        more = file.read(min(size, SKIPPED))
        if not more:
            return
        size -= len(more)


def _unpacker(path: Path, file: IO[bytes]) -> str | None:
    """The ending of what packed a file; a .npz is not packed, but an archive of arrays."""
    head = file.read(6)
    file.seek(0)
    if head.startswith(ZIP) and path.suffix.lower() != ".npz":
        names = members(path, file)
        return None if any(name.endswith(".npy") for name in names) else ".zip"
    marks = {
        b"\x1f\x8b": ".gz",
        b"BZh": ".bz2",
        b"\xfd7zXZ\x00": ".xz",
        b"\x28\xb5\x2f\xfd": ".zst",
    }
    return next((ending for mark, ending in marks.items() if head.startswith(mark)), None)


def _unpacked(path: Path, file: IO[bytes]) -> IO[bytes]:
    """The stream of what is packed in a file; of a plain one, itself."""
    ending = _unpacker(path, file)
    if ending is None:
        return file
    if ending == ".zip":
        return unpacked_zip(path, file)
    if ending == ".zst":
        return _unpacked_zstd(path, file)
    kinds: dict[str, Callable[..., Any]] = {
        ".gz": gzip.open,
        ".bz2": bz2.open,
        ".xz": lzma.open,
    }
    return cast(IO[bytes], kinds[ending](file, "rb"))


def _unpacked_zstd(path: Path, file: IO[bytes]) -> IO[bytes]:
    """The stream of what zstd packed, by one of two libraries."""
    zstandard = find("zstandard")
    if zstandard is not None:
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        return cast(IO[bytes], io.BufferedReader(reader))
    pyarrow = need("pyarrow", f"{path}: reading .zst", "unpack it: zstd -d FILE")
    return cast(IO[bytes], pyarrow.CompressedInputStream(pyarrow.PythonFile(file), "zstd"))


def _whole_read(file: Any, size: int) -> bytes:
    """So many bytes of a stream, fewer only at its end."""
    parts: list[bytes] = []
    while size:
        more = file.read(size)
        if not more:
            break
        parts.append(more)
        size -= len(more)
    return b"".join(parts)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Context that turns errors of packed or wrongly encoded text into ones that name the file."""
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except BROKEN as error:
        if isinstance(error, ValueError) and str(error).startswith(str(path)):
            raise
        raise ValueError(
            f"{path}: expected a whole file. Received: one that cannot be unpacked or decoded "
            f"({error})."
        ) from error


class _Recoded:
    """Stream of bytes in utf-8 of a stream of text in another encoding."""

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._is_over = False
        self._rest = b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and not self._is_over:
            raw = self._stream.read(size)
            self._is_over = not raw
            self._rest += self._decoder.decode(raw, final=not raw).encode()
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


class _Whole:
    """Stream whose reads are as long as asked for; errors name its file."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self._path, self._stream = path, stream

    def read(self, size: int) -> bytes:
        with _naming(self._path):
            return _whole_read(self._stream, size)

    def seekable(self) -> bool:
        return False
