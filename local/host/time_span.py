"""Time spans as .NET reads them: `[d.]hh:mm[:ss[.fff]]`, and a number alone is days (docs/facts/functions.md 11)."""

import re
from datetime import timedelta

_SPAN = re.compile(r"(-?)(?:(\d+)|(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d{1,7})?))?)")
_HOURS, _SIXTY = 24, 60


def seconds(text: str) -> float:
    """The length of a span in seconds.

    Raises:
        ValueError: it is no time span.
    """
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"'{text}' is no time span")
    sign, alone, days, hours, minutes, rest = found.groups()
    if alone is not None:
        span = timedelta(days=int(alone))
    else:
        if int(hours) >= _HOURS or int(minutes) >= _SIXTY or float(rest or 0) >= _SIXTY:
            raise ValueError(f"'{text}' is out of range")
        span = timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=float(rest or 0))
    return -span.total_seconds() if sign else span.total_seconds()
