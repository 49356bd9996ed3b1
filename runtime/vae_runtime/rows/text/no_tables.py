"""Files that are no tables of text, whatever they are called: told by their first bytes."""

from pathlib import Path

NO_TABLES = {  # by first bytes in small letters: what it is, and what to do
    b"<!doctype html": ("a page of HTML", "Look at it: the download may have failed."),
    b"<html": ("a page of HTML", "Look at it: the download may have failed."),
    b"<?xml": ("XML", "Write a line of cells for each row, as .csv."),
    b"%pdf": ("a PDF", "Write its table as .csv."),
    b"\xd0\xcf\x11\xe0": ("a document of an office program", "Save the sheet as .csv."),
    b"\x89hdf": ("HDF5", "Write its table as .parquet or .csv."),
    b"sqlite format 3": ("a database", "Write its table as .csv."),
    b"par1": ("Parquet", "Call it .parquet."),
    b"arrow1": ("Arrow", "Call it .arrow."),
    b"\x93numpy": ("an array", "Call it .npy."),
}
TAR_MARK = 257  # byte of an archive, from which it says that it is one


def check_table(path: Path, head: bytes) -> None:
    """Refuses what is no text, or text that holds no table, by its first bytes."""
    begun = head.lstrip()[:64].lower()
    for mark, (what, advice) in NO_TABLES.items():
        if begun.startswith(mark):
            raise ValueError(f"{path}: expected a table of text. Received: {what}. {advice}")
    if head[TAR_MARK : TAR_MARK + 5] == b"ustar":
        raise ValueError(
            f"{path}: expected a table of text. Received: an archive of files. Unpack it, and "
            "name the folder: tar -xf FILE."
        )
