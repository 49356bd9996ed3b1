"""Files that appear whole or not at all: written aside, then renamed.

`directories` does the same for whole directories.
"""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO

from .paths import file_target


def write_aside(path: str | Path, write: Callable[[IO[bytes]], object]) -> None:
    """Calls `write` with a temporary file beside `path`, then renames it to `path`.

    Of a link, it is what the link leads to.

    Raises:
        ValueError: something else than a file is at `path`.
        OSError: it cannot be written.
    """
    target = file_target(path)
    aside = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("xb") as file:
                write(file)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        if error.filename is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error  # the name that was given
