"""Sources of a bundle's bytes: a directory, or one file that holds the same files.

The file, NAME.vaeb, is a zip archive in its plainest form: stored members one after another from
the first byte, then their directory, then its end record, and nothing else. `unzip` opens it, no
byte of it can be read in two ways, and a member cannot be larger than the file. Nothing is
extracted: members are read where they are.
"""

import io
import os
import stat
import struct
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from vae_runtime._base.paths import missing, open_regular, read_range, unreadable
from vae_runtime.errors import BundleError

from .records import LONGEST_NAME, PLAIN_NAME

SUFFIX = ".vaeb"
MEMBERS = 256  # at most; a bundle of every format and precision has some forty

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that a zip archive can say
_UTF8 = 0x0800  # a flag that changes nothing about the plain names of a bundle

# What a member's own header and its entry in the directory both say, byte for byte: version, flags,
# method, time, date, crc32, stored size, size, length of the name, length of extras.
_COMMON = struct.Struct("<5H3I2H")
_HEADER = b"PK\x03\x04"
# signature, made by, common, length of comment, disk, attributes (2), offset of the header
_ENTRY = struct.Struct(f"<4sH{_COMMON.size}s3H2I")
# signature, disk, directory's disk, entries on disk, entries, directory's size, offset, comment
_END = struct.Struct("<4s4H2IH")


class Container(Protocol):
    """Files by plain names; every failure is a `BundleError`."""

    @property
    def path(self) -> Path:
        """Path of the container."""

    def has(self, name: str) -> bool:
        """True for a file that is there."""

    def size(self, name: str) -> int:
        """Size of a file, in bytes."""

    def read(self, name: str, most: int | None = None) -> bytes:
        """A file's bytes, as many as `size` says, or the first `most` of them."""

    def check_names(self, names: Collection[str]) -> None:
        """Refuses files other than these, where others can do harm."""


class Directory:
    """A directory; files beside the bundle's own, a desktop's or the user's, are left alone.

    Links are followed: stores that keep files by their content make directories of them, and a hash
    is of what a link leads to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def has(self, name: str) -> bool:
        """True for a file that is there."""
        return os.path.lexists(self.path / name)

    def size(self, name: str) -> int:
        """Size of a file, in bytes."""
        with self._open(name) as file:
            return os.fstat(file.fileno()).st_size

    def read(self, name: str, most: int | None = None) -> bytes:
        """A file's bytes, as many as `size` says, or the first `most` of them."""
        with self._open(name) as file:
            size = os.fstat(file.fileno()).st_size
            return read_range(file, 0, size if most is None else min(size, most))

    def check_names(self, names: Collection[str]) -> None:
        """Accepts any."""

    def _open(self, name: str) -> IO[bytes]:
        try:
            (self.path / name).lstat()
        except FileNotFoundError as error:
            raise missing(self.path, name) from error
        except OSError as error:
            raise unreadable(self.path, error) from error
        return open_regular(self.path / name)


class Archive:
    """Files in one zip archive, whose members are stored and nothing else.

    Raises:
        BundleError: it is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with open_regular(path) as file:
                self._members = _read_directory(file)
        except ValueError as error:
            raise BundleError(
                f"{path}: expected a bundle, as a directory or as a zip archive of stored members "
                f"and nothing else ({SUFFIX}). Received: {error}. Copy or export the bundle again; "
                "`vae-runtime pack` makes an archive of a directory."
            ) from error
        except OSError as error:
            raise BundleError(f"{path} cannot be read: {error.strerror}.") from error

    def has(self, name: str) -> bool:
        """True for a member that is there."""
        return name in self._members

    def size(self, name: str) -> int:
        """Size of a member, in bytes."""
        return self._member(name).size

    def read(self, name: str, most: int | None = None) -> bytes:
        """A member's bytes, or the first `most` of them."""
        start, size = self._member(name)
        with open_regular(self.path) as file:
            return read_range(file, start, size if most is None else min(size, most))

    def check_names(self, names: Collection[str]) -> None:
        """Refuses a member that the manifest does not name."""
        extra = sorted(set(self._members) - set(names))
        if extra:
            raise BundleError(
                f"{self.path}: expected the files that the manifest names and no others. "
                f"Received: {', '.join(extra)[:200]} as well. Copy or export the bundle again."
            )

    def _member(self, name: str) -> "_Member":
        if not self.has(name):
            raise missing(self.path, name)
        return self._members[name]


class Memory:
    """Files that are in memory, as where a bundle travels with a job to other machines.

    Args:
        path: where they were read, for errors.
        files: their bytes, by name.
    """

    def __init__(self, path: Path, files: Mapping[str, bytes]) -> None:
        self.path, self._files = path, files

    def has(self, name: str) -> bool:
        """True for a file that is there."""
        return name in self._files

    def size(self, name: str) -> int:
        """Size of a file, in bytes."""
        return len(self.read(name))

    def read(self, name: str, most: int | None = None) -> bytes:
        """A file's bytes, or the first `most` of them."""
        if not self.has(name):
            raise missing(self.path, name)
        return self._files[name][:most]

    def check_names(self, names: Collection[str]) -> None:
        """Accepts any."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """The bytes of an archive of these files, in this order; equal files give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.create_system = 3  # Unix, whatever this is, for the permissions to mean the same
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(member, content)
    return buffer.getvalue()


class _Member(NamedTuple):
    """Place of a member's bytes in the file."""

    start: int
    size: int


def _read_directory(file: IO[bytes]) -> dict[str, _Member]:
    """Reads the members by name; a ValueError says what was found instead of a plain archive."""
    count, start, size = _read_end(file)
    file.seek(start)
    directory = file.read(size)
    members: dict[str, _Member] = {}
    at = offset = 0
    for _ in range(count):
        name, common = _read_entry(directory[at:], offset)
        if name.lower() in (other.lower() for other in members):  # one file on some systems
            raise ValueError(f"two members called {name}")
        header = _HEADER + common + name.encode()
        file.seek(offset)
        if file.read(len(header)) != header:
            raise ValueError(f"a header of {name} that is not what the directory says")
        members[name] = _Member(offset + len(header), _COMMON.unpack(common)[7])
        offset = sum(members[name])
        at += _ENTRY.size + len(name)
    if (at, offset) != (size, start):
        raise ValueError("members that do not fill the file up to their directory")
    return members


def _read_end(file: IO[bytes]) -> tuple[int, int, int]:
    """Reads number of members, offset and size of the directory from the last bytes of the file."""
    length = file.seek(0, io.SEEK_END)
    file.seek(max(length - _END.size, 0))
    end = file.read(_END.size)
    if len(end) < _END.size or not end.startswith(b"PK\x05\x06"):
        raise ValueError("a file that was cut short or is not an archive")
    _, *disks, here, count, size, start, comment = _END.unpack(end)
    if any(disks) or here != count or comment or start + size + _END.size != length:
        raise ValueError("an end record that does not fit the file")
    if count > MEMBERS or size > MEMBERS * (_ENTRY.size + LONGEST_NAME):
        raise ValueError(f"{count} members and {size} bytes of directory, too many for a bundle")
    return count, start, size


def _read_entry(entry: bytes, expected_offset: int) -> tuple[str, bytes]:
    """Reads a member's name, and the values that its own header must repeat."""
    if len(entry) < _ENTRY.size or not entry.startswith(b"PK\x01\x02"):
        raise ValueError("a damaged directory")
    _, _, common, comment, disk, _, _, offset = _ENTRY.unpack_from(entry)
    _, flags, method, _, _, _, stored, size, name_length, extra = _COMMON.unpack(common)
    name = entry[_ENTRY.size : _ENTRY.size + name_length].decode("latin-1")
    if not PLAIN_NAME.fullmatch(name):
        raise ValueError(f"a member called {name[:100]!r}, which is not a plain name")
    if method != 0 or stored != size:
        raise ValueError(f"{name} compressed")
    if flags & ~_UTF8:
        raise ValueError(f"{name} encrypted, or in another way not plain (flags {flags:#x})")
    if comment or disk or extra or offset != expected_offset:
        raise ValueError(f"{name} with extras, or not straight after the member before it")
    return name, common
