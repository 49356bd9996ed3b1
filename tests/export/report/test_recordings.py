"""False alarms by recording: the bars of a report."""

import re
from xml.etree import ElementTree

import pytest

from vae_export.report.recordings import NAMED, caption, draw
from vae_runtime.verdicts.recordings import RecordingAlarms


def counts(number):
    return {f"run_{i}": RecordingAlarms(200, i) for i in range(number)}


@pytest.mark.parametrize("number", [1, 2, NAMED, NAMED + 1, 500])
def test_each_recording_has_a_bar_and_names_stand_where_they_fit(number):
    drawn = draw(counts(number), 0.01)
    root = ElementTree.fromstring(drawn)
    assert "asked for 1 %" in root.attrib["aria-label"]
    assert len(re.findall("run_", "".join(root.itertext()))) == (number if number <= NAMED else 0)


def test_a_name_that_would_be_markup_is_text():
    drawn = draw({"<b>": RecordingAlarms(9, 0), "$x_1$": RecordingAlarms(9, 9)}, 0.1)
    assert "<b>" not in drawn
    assert "$x_1$" in "".join(ElementTree.fromstring(drawn).itertext())


def test_recordings_without_any_alarm_are_drawn():
    ElementTree.fromstring(draw({"a": RecordingAlarms(9, 0), "b": RecordingAlarms(9, 0)}, 0.01))


def test_the_caption_ends_with_the_spread():
    assert caption(counts(3)).endswith("By recording: 0.0 % to 1.0 %, median 0.5 %; worst run_2.")
