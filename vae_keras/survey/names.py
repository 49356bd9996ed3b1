"""Names by which columns of a certain kind are recognised, in English, German and French."""

import re

LABELS = frozenset(
    "label labels labelled fault faults faulty anomaly anomalies anomalous outlier outliers "
    "failure failures failed fail broken defect defective defects attack abnormal breakdown y "
    "target isanomaly isfault isoutlier fehler stoerung störung anomalie panne défaut".split()
)
STATES = frozenset("state status condition class result quality verdict zustand etat état".split())
OTHER_LABELS = frozenset("changepoint changepoints rul".split())
TIMES = frozenset(
    "time times timestamp timestamps datetime date clock ts t unix epoch utc seconds sec ms millis "
    "zeit zeitstempel datum uhrzeit heure temps horodatage".split()
)
RECORDINGS = frozenset(
    "recording recordings machine machines unit units engine engines device devices asset assets "
    "vehicle session experiment run runs trial batch pump motor turbine sensorid station plant "
    "file serial maschine anlage geraet gerät".split()
)
NUMBERED = frozenset("id nr no number num name".split())  # beside such a word, as in unit_nr
CALENDAR = frozenset("hour hours minute minutes second day days weekday month year week".split())
NORMAL = frozenset("normal ok good healthy benign none gut pass passed intakt".split())  # states


def words_of(name: str) -> list[str]:
    """Words of a column's name, in lower case.

    >>> words_of("Machine failure"), words_of("isAnomaly_2")
    (['machine', 'failure'], ['is', 'anomaly', '2'])
    """
    apart = re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.findall(r"[^\W_\d]+|\d+", apart)]


def has_word(name: str, known: frozenset[str]) -> bool:
    """True where one of the words of a column's name is known."""
    return not known.isdisjoint(words_of(name))


def names_time(name: str) -> bool:
    """True for the name of a column of times: of such words alone, or with units."""
    words = words_of(name)
    return bool(words) and words[0] in TIMES and all(w in TIMES or w == "s" for w in words)


def names_recording(name: str) -> bool:
    """True for the name of a column that says of which machine or recording a row is."""
    words = words_of(name)
    return bool(words) and set(words) <= RECORDINGS | NUMBERED and has_word(name, RECORDINGS)
