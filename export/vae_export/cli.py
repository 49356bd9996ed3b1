"""The command `vae-export`: turns a run directory into a verified bundle."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import ExportError


def main(arguments: Sequence[str] | None = None) -> int:
    """Exports; returns 0 when done, 1 when it was refused (2 is argparse's, wrong usage)."""
    parser = argparse.ArgumentParser(
        prog="vae-export",
        description="Exports a trained run as a bundle of ONNX and TFLite graphs, each of which "
        "has answered as Keras does; else writes nothing and exits 1.",
    )
    parser.add_argument("run", type=Path, help="a run directory, as vae-keras train writes it")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's directory")
    args = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets at every start
    from .exporting import export

    try:
        export(args.run, args.out, log=_log)
    except (ExportError, ValueError, OSError) as error:
        print(f"vae-export: {error}", file=sys.stderr)
        return 1
    print(f"wrote {args.out}: try `vae-runtime selftest {args.out}`")
    return 0


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
