"""Live source in another encoding as bytes in utf-8, which come as soon as it sends them."""

import codecs
import io
from typing import Any


class Recoded(io.RawIOBase):
    """Stream of bytes in utf-8 of a stream of text in another encoding.

    What is no text in it becomes a mark of replacement: its line is a bad one, or has another name.

    >>> Recoded(io.BytesIO("5 °C".encode("latin-1")), "latin-1").read().decode()
    '5 °C'
    """

    def __init__(self, file: Any, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._rest = b""

    def readable(self) -> bool:
        """True, as of all sources."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer with what has come; 0 at the end."""
        is_over = False
        while not self._rest and not is_over:
            raw = self._file.read1(len(buffer))
            is_over = not raw
            self._rest = self._decoder.decode(raw, is_over).encode()
        found, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(found)] = found
        return len(found)


def lines_of(file: Any, encoding: str) -> io.BufferedReader:
    """An open binary file as one of utf-8, whose lines come one by one."""
    return io.BufferedReader(Recoded(file, encoding))
