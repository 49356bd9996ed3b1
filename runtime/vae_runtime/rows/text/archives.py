"""Archives of files, as .zip, of which one with a single file is read as that."""

from pathlib import Path
from typing import IO

NOTES = ("__MACOSX/", ".")  # files that systems leave in a .zip begin so


def members(path: Path, file: IO[bytes]) -> list[str]:
    """Names of the files in a .zip, but for what systems leave there."""
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(file) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except BadZipFile as error:
        raise ValueError(
            f"{path}: expected a whole file. Received: a .zip that is not ({error})."
        ) from error
    finally:
        file.seek(0)
    return [
        name
        for name in names
        if not name.rpartition("/")[2].startswith(".") and not name.startswith(NOTES)
    ]


def unpacked_zip(path: Path, file: IO[bytes]) -> IO[bytes]:
    """The stream of the one file in a .zip."""
    from zipfile import ZipFile

    names = members(path, file)
    if {"[Content_Types].xml", "mimetype"} & {*names}:
        raise ValueError(
            f"{path}: expected text. Received: a document of an office program. Save the sheet as "
            ".csv."
        )
    if len(names) != 1:
        raise ValueError(
            f"{path}: expected a .zip with one file in it. Received: {len(names)} "
            f"({', '.join(names):.100}). Unpack it into a folder of its own: unzip FILE -d FOLDER."
        )
    return ZipFile(file).open(names[0])
