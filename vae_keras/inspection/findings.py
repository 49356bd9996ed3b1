"""Findings of `vae-keras inspect`: lines on the whole, contents, notes, the command."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from vae_keras.survey.words import wrapped

from .command import as_text
from .page import page


class Findings(NamedTuple):
    """Findings on files of rows.

    Args:
        heading: lines on the whole.
        contents: lines of a table of what is in there.
        notes: sentences.
        command: to train with, as a list of words; none where there is nothing to train on.
        record: what was found, for scripts.
        cards: of a page, in HTML.
        legend: of the cards.
    """

    heading: tuple[str, ...]
    contents: tuple[str, ...]
    notes: tuple[str, ...]
    command: tuple[str, ...]
    record: Mapping[str, Any]
    cards: tuple[str, ...] = ()
    legend: str = ""

    @property
    def pasted(self) -> str:
        """The command as it is pasted into a shell."""
        return as_text(self.command) or "(nothing to train on)"

    def text(self) -> list[str]:
        """Lines for a terminal."""
        notes = [line for note in self.notes for line in wrapped(note)]
        ending = [*notes, *([""] if notes else []), "to train:", "", self.pasted]
        return [*self.heading, "", *self.contents, "", *ending]

    def page(self) -> str:
        """Page of HTML."""
        return page(
            self.heading,
            self.notes,
            self.pasted,
            contents=self.contents,
            cards=self.cards,
            legend=self.legend,
        )

    def json(self) -> str:
        """All of it as JSON, but no samples."""
        found = {**self.record, "notes": self.notes, "command": self.command}
        return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)
