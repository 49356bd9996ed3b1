"""Names that say what a column is."""

import pytest

from vae_keras.survey import names


@pytest.mark.parametrize("name", "fault,Machine failure,is_anomaly,isAnomaly,y,Fehler".split(","))
def test_names_of_labels(name):
    assert names.has_word(name, names.LABELS)


@pytest.mark.parametrize("name", ["fault_current_A2", "yaw", "labelled"])
def test_parts_of_words_are_no_names_of_labels(name):
    assert names.has_word(name, names.LABELS) == (name != "yaw")


@pytest.mark.parametrize("name", ["time", "Time [s]", "Timestamp", "date_time", "unix"])
def test_names_of_times(name):
    assert names.names_time(name)


@pytest.mark.parametrize("name", ["time_to_failure", "temp", "", "Tool time"])
def test_other_names_are_not_those_of_times(name):
    assert not names.names_time(name)


@pytest.mark.parametrize(
    ("name", "is_one"), [("machine", True), ("unit_nr", True), ("unit price", False)]
)
def test_names_of_recordings(name, is_one):
    assert names.names_recording(name) == is_one
