"""The parser of all three commands: what it refuses is a line that a terminal can show."""

import argparse
from typing import Any, NoReturn

from vae_runtime._base.printable import printable

from .values import real_number, whole_number


class Parser(argparse.ArgumentParser):
    """argparse's, whose options of `type=int` and `type=float` say in words what they expect.

    Parsers of subcommands are of their parser's class.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.register("type", int, whole_number)
        self.register("type", float, real_number)

    def error(self, message: str) -> NoReturn:
        """Exits with 2; what was typed is repeated without what would control the terminal."""
        super().error(printable(message))
