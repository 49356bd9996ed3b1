"""Parser of all three commands, whose errors are lines that a terminal can show."""

import argparse
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NoReturn

from vae_runtime._base.printable import printable

from .values import real_number, whole_number

# Options that have another name since: one word for one thing.
RENAMED = {
    "--unit": "--machine",
    "--unit-column": "--machine-column",
    "--group": "--recording",
    "--bad-rows": "--on-bad-row (fail or reject)",
}


class Parser(argparse.ArgumentParser):
    """Parser of argparse's, whose numbers say in words what they expect.

    Parsers of subcommands are of their parser's class.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.register("type", int, whole_number)
        self.register("type", float, real_number)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """argparse's; exits with 2 at the old name of an option, and says the new one."""
        given: Sequence[str] = sys.argv[1:] if args is None else args
        for text in takewhile(lambda text: text != "--", given):
            name, _, _ = text.partition("=")
            if name in RENAMED:
                self.exit(2, f"{self.prog}: error: {name} is now {RENAMED[name]}\n")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Exits with 2; what was typed is repeated without what would control the terminal."""
        super().error(printable(message))
