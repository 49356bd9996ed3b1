"""Findings of `vae-keras inspect`: lines on the whole, a line a column, notes, the command."""

from collections.abc import Sequence
from typing import NamedTuple

from vae_keras.survey.records import Survey

from . import command as commands
from . import notes as sentences
from . import page as pages
from . import records
from .sparklines import BARS
from .table import table
from .words import wrapped


class Findings(NamedTuple):
    """Findings on files of rows.

    Args:
        survey: of them; None where they are images or arrays of another shape.
        heading: lines on the whole.
        notes: sentences.
        command: to train with, as a list of words.
    """

    survey: Survey
    heading: tuple[str, ...]
    notes: tuple[str, ...]
    command: tuple[str, ...]

    @property
    def pasted(self) -> str:
        """The command as it is pasted into a shell."""
        return commands.as_text(self.command)

    def text(self, *, bars: str = BARS) -> list[str]:
        """Lines for a terminal."""
        lines = [*self.heading, "", *table(self.survey, bars=bars), ""]
        notes = [line for note in self.notes for line in wrapped(note)]
        return [*lines, *notes, *([""] if notes else []), "to train:", "", self.pasted]

    def page(self) -> str:
        """Page of HTML."""
        return pages.page(self.survey, heading=self.heading, notes=self.notes, command=self.pasted)

    def json(self) -> str:
        """All of it as JSON."""
        return records.as_json(self.survey, notes=self.notes, command=self.command)


def findings_of(survey: Survey, sources: Sequence[str], reading: Sequence[str] = ()) -> Findings:
    """Findings on a table.

    Args:
        survey: of it.
        sources: files and folders, as they were typed.
        reading: options by which they were read.
    """
    plan = commands.plan(survey)
    return Findings(
        survey,
        tuple(sentences.heading(survey)),
        tuple(sentences.notes(survey, plan)),
        tuple(commands.train_command(survey, sources, reading)),
    )
