"""The command `vae-runtime`: parse, call one function, print.

It imports every folder of this package, and none imports it.
"""

import os
import sys
from collections.abc import Sequence

from vae_runtime._base.interrupts import exit_message
from vae_runtime._base.libraries import is_interrupt, need
from vae_runtime._base.printable import printable
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
            return _interrupted(error) if is_interrupt(error) else _failed(error)
        except ImportError as error:
            if not is_interrupt(error):
                raise
            return _interrupted(error)
        except KeyboardInterrupt as error:
            return _interrupted(error)


def _run(arguments: Sequence[str] | None) -> int:
    need("numpy", "vae-runtime")
    from .arguments import parse  # here, so that an interrupt of long imports is one of ours

    args = parse(arguments)
    code = int(args.run(args))
    sys.stdout.flush()  # a reader that has gone is noticed here, not while Python ends
    return code


def _failed(error: Exception) -> int:
    why = str(error)
    if isinstance(error, OSError) and error.filename is not None and error.filename2 is None:
        why = f"{error.filename}: {error.strerror}"  # as all other messages: first, of what
    if not why:  # as of Python's own MemoryError
        why = "expected more memory than there is. Score fewer rows at a time."
    _say(why, error)
    return 1


def _interrupted(error: BaseException) -> int:
    what, code = exit_message(error)
    _say(what, error)
    return code


def _say(what: str, error: BaseException) -> None:
    """Prints an error, and what was noted of it on the way."""
    for line in (f"vae-runtime: {what}", *getattr(error, "__notes__", ())):
        print(printable(line), file=sys.stderr)
