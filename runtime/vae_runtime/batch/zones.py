"""Moments in time zones, as text with the offset that the zone has then."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GREENWICH = ("UTC", "Etc/UTC", "Z", "+00:00")


def is_known(zone: str) -> bool:
    """Whether this machine knows a zone by a name such as Europe/Berlin or +02:00."""
    try:
        zone_of(zone)
    except (KeyError, ValueError, OSError):  # KeyError: not in the database of zones
        return False
    return True


@lru_cache(64)
def zone_of(zone: str) -> tzinfo:
    """A zone by its name; KeyError, ValueError or OSError where it is not known here."""
    if zone[:1] in "+-":
        found = datetime.fromisoformat(f"1970-01-01T00:00:00{zone}").tzinfo
        return UTC if found is None else found
    return ZoneInfo(zone)


def local_times(
    moments: NDArray[np.datetime64], zone: str
) -> tuple[NDArray[np.datetime64], list[str]]:
    """What clocks of a zone show at moments of UTC, and how far they are from it: +02:00.

    Of no moment (NaT), whatever.

    Raises:
        ValueError: a moment is before the year 1 or after 9999.
    """
    seconds = moments.astype("datetime64[s]").astype(np.int64)
    once, places = np.unique(np.where(np.isnat(moments), 0, seconds), return_inverse=True)
    try:
        there = [(EPOCH + timedelta(seconds=int(s))).astimezone(zone_of(zone)) for s in once]
    except OverflowError as error:
        raise ValueError(
            "expected times of the years 1 to 9999 in a time zone. Received: others. Write "
            ".parquet or .arrow, or leave the column out."
        ) from error
    shifts = np.array([(t.utcoffset() or timedelta()) // timedelta(seconds=1) for t in there])
    texts = [t.isoformat()[19:] for t in there]  # behind the seconds, which are whole
    places = places.reshape(-1)
    shifted = moments + shifts.astype("timedelta64[s]")[places]
    return shifted, [texts[place] for place in places.tolist()]
