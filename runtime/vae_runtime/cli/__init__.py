"""The command `vae-runtime`: parse, call one function, print."""

import os
import sys
from collections.abc import Sequence

from vae_runtime.errors import BundleError

from .streams import standard_streams

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0 when done, 1 when it failed (2 is argparse's, wrong usage)."""
    with standard_streams():
        try:
            return _run(arguments)
        except BrokenPipeError:  # the reader of our output, say `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except (BundleError, ValueError, OSError, MemoryError) as error:
            return _interrupted() if _is_interrupt(error) else _failed(error)
        except ImportError as error:
            if not _is_interrupt(error):
                raise
            return _interrupted()
        except KeyboardInterrupt:
            return _interrupted()


def _run(arguments: Sequence[str] | None) -> int:
    from .arguments import parse  # here, so that an interrupt of long imports is one of ours

    args = parse(arguments)
    code = int(args.run(args))
    sys.stdout.flush()  # a reader that has gone is noticed here, not while Python ends
    return code


def _failed(error: Exception) -> int:
    why = str(error)
    if not why:  # as of Python's own MemoryError
        why = "expected more memory than there is. Score fewer rows at a time."
    print(f"vae-runtime: {why}", file=sys.stderr)
    return 1


def _interrupted() -> int:
    print("vae-runtime: interrupted; nothing was written", file=sys.stderr)
    return 130


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether it comes of Ctrl-C: modules in C++ that are interrupted fail with an ImportError."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt) or "KeyboardInterrupt" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
