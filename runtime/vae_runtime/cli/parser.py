"""Parser of all three commands, whose errors are lines that a terminal can show."""

import argparse
from typing import Any, NoReturn

from vae_runtime._base.printable import printable

from .values import real_number, whole_number


class Parser(argparse.ArgumentParser):
    """Parser of argparse's, whose numbers say in words what they expect.

    Parsers of subcommands are of their parser's class.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.register("type", int, whole_number)
        self.register("type", float, real_number)

    def error(self, message: str) -> NoReturn:
        """Exits with 2; what was typed is repeated without what would control the terminal."""
        super().error(printable(message))
