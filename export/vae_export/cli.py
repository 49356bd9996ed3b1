"""The command `vae-export`: turns a run directory into a verified bundle."""

import argparse
import importlib.metadata
import sys
from collections.abc import Sequence
from pathlib import Path

from vae_keras.greetings import without_greetings

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
    version = importlib.metadata.version("vae-keras")
    parser.add_argument("--version", action="version", version=f"vae-export {version}")
    args = parser.parse_args(arguments)
    try:
        with without_greetings():
            from .exporting import export

        export(args.run, args.out, log=_log)
    except (ExportError, ValueError, OSError, MemoryError) as error:
        print(f"vae-export: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("vae-export: interrupted; nothing was written", file=sys.stderr)
        return 130
    print(f"wrote {args.out}: try `vae-runtime selftest {args.out}`")
    return 0


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
