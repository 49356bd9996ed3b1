"""Inputs that are named on a command line, to files, and files to shards."""

import glob
import itertools
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from vae_runtime._base.atomic_files import named
from vae_runtime._base.paths import identity, path_of
from vae_runtime.bundle.texts import check_texts
from vae_runtime.rows.blocks import Block, Columns, Shard, Wanted

from . import cut_tables
from .formats import registry
from .formats.image_files import images_of, is_of_images
from .names.missing_names import quoted, some
from .text.endings import ENDINGS, SURE, TEXT, ending_of, format_inside

GLOB_MARKS = "*?["  # of a glob

COPY_BYTES = 2**20  # at a time


class Inputs(NamedTuple):
    """Shards of the files to read, and each file's size and time when they were planned.

    Args:
        wanted: of the files.
        shards: in order.
        files: size and time of the last change, by path.
        name: of the only file in results, rejects and errors of rows; None for its path.
    """

    wanted: Wanted
    shards: list[Shard]
    files: dict[str, tuple[int, int]]
    name: str | None = None

    @property
    def rows(self) -> int:
        """Of all shards."""
        return sum(shard.rows for shard in self.shards)

    def with_features(self, names: Sequence[str]) -> "Inputs":
        """The same files, of which these columns become x."""
        wanted = self.wanted._replace(features=tuple(names), shape=(len(names),))
        return self._replace(wanted=wanted)

    def read(self, shard: Shard) -> Iterator[Block]:
        """The blocks of a shard."""
        blocks, name = read_shard(shard, self.wanted), self.name
        return blocks if name is None else (block._replace(file=name) for block in blocks)

    def kept(self) -> Iterator[Columns]:
        """The columns of each file that are kept, without rows."""
        if self.wanted.keep:
            yield from (registry.kept_of(Path(file), self.wanted) for file in self.files)

    def fingerprint(self, shard: Shard) -> list[Any]:
        """Identifies a shard and the state of its file, as a JSON list.

        Raises:
            ValueError: its file has changed since the plan was made.
        """
        if _stat(Path(shard.file)) != self.files[shard.file]:
            raise ValueError(
                f"{shard.file}: expected a file that stays as it is. Received: one that has "
                "changed while it was read. Score it when it is whole."
            )
        return [*shard, *self.files[shard.file]]


def plan(given: Sequence[str], wanted: Wanted) -> Inputs:
    """The shards of all inputs.

    Args:
        given: files, folders and globs.
        wanted: what to read of them.

    Raises:
        ValueError: there is nothing to read, or a file does not hold what is wanted.
    """
    files = files_of(given, wanted)
    wanted = settle(files, wanted)
    check_texts(wanted.features or (), f"{files[0]}: names of columns")  # a bundle has to say them
    stats = {str(file): _stat(file) for file in files}
    shards = [shard for file in files for shard in plan_file(file, wanted)]
    if not shards:
        raise ValueError(f"{', '.join(given):.200}: expected rows. Received: none.")
    return Inputs(wanted, shards, stats)


def files_of(given: Sequence[str], wanted: Wanted) -> list[Path]:
    """The files that names stand for, each once: also those in folders, and what globs match."""
    return list(dict.fromkeys(file for each in given for file in _files(each, wanted)))


def settle(files: Sequence[Path], wanted: Wanted) -> Wanted:
    """What is wanted, with the columns and the shape of a row of files, where nobody said these.

    Raises:
        ValueError: the files have other columns than the first.
    """
    for file in files:
        registry.check_reading(file, wanted)
    if wanted.shape is not None:
        return wanted
    first = registry.settle(files[0], wanted)
    if first.features == ():
        raise ValueError(f"{files[0]}: expected columns of numbers. Received: none.")
    for file in files[1:] if wanted.features is None else ():
        other = registry.settle(file, wanted)
        if set(other.features or ()) != set(first.features or ()):
            raise _differ(files, wanted, file)
    return first


def plan_file(path: Path, wanted: Wanted) -> list[Shard]:
    """The shards of one file, or of a folder of images: of rows, or of windows to be cut."""
    if cut_tables.is_table(path, wanted):
        return cut_tables.plan(path, wanted)
    shards = registry.plan(path, wanted)
    if any(option is not None for option in wanted.windowing):
        raise ValueError(
            f"{path}: expected --stride, --recording, --time and --gap with a model of windows and "
            f"a table to cut into them. Received: rows that are {wanted.shape} already."
        )
    return shards


def read_shard(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """The blocks of a shard: of rows, or of windows that are cut now."""
    is_cut = shard.format == cut_tables.WINDOWS
    return (cut_tables.read if is_cut else registry.read)(shard, wanted)


def check_apart(given: Sequence[str], written: Sequence[Path]) -> None:
    """Raises ValueError where a file that is to be written is, or would be, one of the inputs.

    Args:
        given: files, folders and globs.
        written: files that may be there already.
    """
    inputs = [path.resolve() for each in given for path in _named(each)]
    there = {identity(target) for target in written} - {None}
    read = {identity(file) for path in inputs for file in _inside(path)} if there else set()
    for target in written:
        path = target.resolve()
        if path in inputs or identity(path) in there & read:
            raise ValueError(f"{target}: expected another file than the input. Received: the same.")
        for folder in inputs:
            if ending_of(path) in ENDINGS and path.is_relative_to(folder):
                if not _is_note(path, folder):
                    raise ValueError(
                        f"{target}: expected a file outside of {folder}, whose files are read. "
                        "Received: one in it, that the next run would read too."
                    )


def spool(stream: IO[bytes], folder: Path) -> Path:
    """Standard input as a file in a folder, named by the format that its first bytes tell.

    Raises:
        ValueError: there is nothing in it.
        OSError: there is no room for it.
    """
    path = folder / "stdin"
    try:
        with named(path), path.open("wb") as file:
            shutil.copyfileobj(stream, file, COPY_BYTES)
    except OSError as error:
        error.add_note("TMPDIR names the folder in which standard input is kept meanwhile")
        raise
    if not path.stat().st_size:
        raise ValueError("expected rows on standard input. Received: nothing.")
    return path.rename(f"{path}{format_inside(path) or '.csv'}")


def _inside(path: Path) -> Iterator[Path]:
    """A file; of a folder, the files in it, which may be links to others."""
    return path.rglob("*") if path.is_dir() else iter((path,))


def _files(given: str, wanted: Wanted) -> list[Path]:
    """Paths to read for one input: itself, what is in a folder, what a glob matches."""
    found = _named(given)
    if not found:
        raise ValueError(f"{given}: expected files that match. Received: none.")
    each = (_in_folder(path, wanted) if path.is_dir() else [path] for path in found)
    return [file for files in each for file in files]


def _named(given: str) -> list[Path]:
    """The files and folders that a name stands for: itself, or what a glob matches."""
    path = path_of(given, "an input")
    if path.exists() or not any(mark in given for mark in GLOB_MARKS):
        return [path]
    return [Path(name) for name in sorted(glob.glob(given, recursive=True))]  # noqa: PTH207 - whole


def _in_folder(folder: Path, wanted: Wanted) -> list[Path]:
    """The files of a folder and the folders in it, by name; the folder itself, if of images.

    A link to nothing is one of them too, and an error when it is opened, not a file less.
    """
    inside = [f for f in folder.rglob("*") if ending_of(f) in ENDINGS and not f.is_dir()]
    files = sorted(f for f in inside if not _is_note(f, folder))
    sure = [f for f in files if ending_of(f) not in TEXT or ending_of(f) in SURE]
    if is_of_images(folder, sure, wanted) and (sure or not files or images_of(str(folder))):
        return [folder]
    files = sure or files  # notes.txt beside tables or images is none of them
    endings = sorted({_kind(file) for file in files})
    if len(endings) != 1 and not _are_apart(files):
        counted = [f"{sum(_kind(f) == e for f in files):,} of {e}" for e in endings]
        raise ValueError(
            f"{folder}: expected files of one format in a folder ({', '.join(ENDINGS)}). "
            f"Received: {' and '.join(counted) or 'none'}. Name them by a glob, such as "
            f"'{folder}/*.csv'. (Tables of several formats are read together where no two have "
            "one name.)"
        )
    return files


def _are_apart(files: Sequence[Path]) -> bool:
    """True for tables of several formats of which no two may be the same rows, written twice."""
    names = {(file.parent, file.name.split(".")[0]) for file in files}
    are_tables = all(ending_of(file) not in (".npy", ".npz") for file in files)
    return bool(files) and are_tables and len(names) == len(files)


def _kind(file: Path) -> str:
    """The ending of a file's format, without looking into it."""
    ending = ending_of(file)
    return ".csv" if ending in TEXT else ending


def _differ(files: Sequence[Path], wanted: Wanted, file: Path) -> ValueError:
    """The error for a file of other columns than the first; names those that differ from most."""
    each = {path: frozenset(registry.settle(path, wanted).features or ()) for path in files}
    alone = {files[0]: each[files[0]] - each[file], file: each[file] - each[files[0]]}
    found = [f"{quoted(sorted(n))} in {f.name} alone" for f, n in alone.items() if n]
    most, count = Counter(each.values()).most_common(1)[0]
    odd = [path.name for path in files if each[path] != most]
    alike = sorted(path.name for path in files if each[path] == most)
    pairs = zip(alike[0], alike[-1], strict=False)  # between these are all others
    head = "".join(a for a, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    apart = bool(head) and not any(name.startswith(head) for name in odd)
    advice = f" (all others are '{file.parent}/{glob.escape(head)}*')" if apart else ""
    told = f" {count:,} of {len(files):,} have the same: leave out {some(odd)}{advice}."
    return ValueError(
        f"{file.parent}: expected files with the same columns. Received: {', '.join(found)}."
        f"{told if count > 1 else ''}"
    )


def _is_note(file: Path, folder: Path) -> bool:
    """Names that begin with _ or . are those of a program's own notes and leftovers."""
    return any(part[0] in "_." for part in file.relative_to(folder).parts)


def _stat(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
