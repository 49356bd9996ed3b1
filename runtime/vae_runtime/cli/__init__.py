"""The command `vae-runtime`: parse, call one function, print."""

import os
import sys
from collections.abc import Sequence

from vae_runtime.errors import BundleError

from .arguments import parse

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0 when done, 1 when it failed (2 is argparse's, wrong usage)."""
    args = parse(arguments)
    try:
        code = int(args.run(args))
        sys.stdout.flush()  # a reader that has gone is noticed here, not while Python ends
        return code
    except BrokenPipeError:  # the reader of our output, say `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (BundleError, ValueError, OSError, MemoryError) as error:
        print(f"vae-runtime: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("vae-runtime: interrupted; nothing was written", file=sys.stderr)
        return 130
