"""Figures of other detectors, kept by what rows they are of, as nothing of ours changes them.

A file in the folder for each split, named by the digest of its rows: method to figures. A figure
is computed where it is not kept yet. Of a detector whose code changes, remove the folder.
"""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def figures(
    folder: Path,
    digest: str,
    methods: Sequence[str],
    figures_of: Callable[[str], dict[str, float]],
) -> list[dict[str, Any]]:
    """Figures of each method, in order, as rows with `method`.

    Args:
        folder: of the files.
        digest: of the rows, see `sets.digest`.
        methods: their names.
        figures_of: computes those of a method.
    """
    path = folder / f"{digest}.json"
    kept: dict[str, dict[str, float]] = json.loads(path.read_text()) if path.exists() else {}
    for method in methods:
        if method not in kept:
            kept[method] = figures_of(method)
            _write(path, kept)
    return [{"method": method, **kept[method]} for method in methods]


def _write(path: Path, kept: dict[str, dict[str, float]]) -> None:
    """Replaces the file at once, so that a kill leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}.part")
    aside.write_text(json.dumps(kept, indent=1))
    aside.replace(path)
