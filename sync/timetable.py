"""When the timer is due: NCRONTAB in UTC, as Azure's host reads it (pure; docs/facts/functions.md 2).

`second minute hour day month day-of-week`, each `*`, a value, a range, a step, or a list of those. What the host would
refuse is refused here, because there a bad schedule switches the timer off and leaves the rest running.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_NAMES = {4: _MONTHS, 5: _DAYS}
_SHORTEST_NAME = 3
_PART = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>[0-9]{1,4}))?", re.ASCII)
_LOOK_AHEAD_DAYS = 366 * 40
"""29 February on a given day of the week comes within forty years, 2100 included."""
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The values that each field allows, and the expression as it was written."""

    text: str
    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def next_after(self, moment: datetime) -> datetime:
        """The first occurrence later than a moment."""
        moment = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        day = moment.replace(hour=0, minute=0, second=0)
        for offset in range(_LOOK_AHEAD_DAYS):
            candidate = day + timedelta(days=offset)
            if self._has_day(candidate) and (found := self._time_on(candidate, moment)) is not None:
                return found
        raise ValueError("never occurs")  # `read_timetable` gives no such timetable.

    def last_until(self, moment: datetime) -> datetime:
        """The last occurrence that is not later than a moment."""
        moment = moment.astimezone(UTC).replace(microsecond=0)
        day = moment.replace(hour=0, minute=0, second=0)
        for offset in range(_LOOK_AHEAD_DAYS):
            candidate = day - timedelta(days=offset)
            if self._has_day(candidate) and (found := self._last_time_on(candidate, moment)) is not None:
                return found
        raise ValueError("never occurred")  # `read_timetable` gives no such timetable.

    def _has_day(self, day: datetime) -> bool:
        """Day of the month and day of the week must both fit, unlike in Unix's cron."""
        weekday = (day.weekday() + 1) % 7
        return day.month in self.months and day.day in self.days and weekday in self.weekdays

    def _time_on(self, day: datetime, earliest: datetime) -> datetime | None:
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                last = day.replace(hour=hour, minute=minute, second=59)
                if last < earliest:
                    continue
                for second in sorted(self.seconds):
                    found = day.replace(hour=hour, minute=minute, second=second)
                    if found >= earliest:
                        return found
        return None

    def _last_time_on(self, day: datetime, latest: datetime) -> datetime | None:
        for hour in sorted(self.hours, reverse=True):
            for minute in sorted(self.minutes, reverse=True):
                if day.replace(hour=hour, minute=minute) > latest:
                    continue
                for second in sorted(self.seconds, reverse=True):
                    found = day.replace(hour=hour, minute=minute, second=second)
                    if found <= latest:
                        return found
        return None


def read_timetable(text: str) -> Timetable:
    """Read an expression.

    Raises:
        ValueError: naming the part that is wrong, or saying that the expression never occurs.
    """
    fields = text.split()
    if len(fields) != len(_RANGES):
        raise ValueError("must have the six fields of NCRONTAB: second minute hour day month day-of-week")
    timetable = Timetable(text, *[_field(field, place) for place, field in enumerate(fields)])
    timetable.next_after(_LONG_AGO)
    return timetable


def _field(text: str, place: int) -> frozenset[int]:
    low, high = _RANGES[place]
    allowed: set[int] = set()
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if found is None or (found["first"] == "*" and found["last"]):
            raise ValueError(f"has '{part}' in field {place + 1}, which is no value, range or step")
        step = int(found["step"] or 1)
        first, last = low, high
        if found["first"] != "*":
            first = _number(found["first"], place)
            # '5/10' means: from 5 to the end, in steps of 10.
            last = _number(found["last"], place) if found["last"] else (high if found["step"] else first)
        if not (low <= first <= last <= high and step >= 1):
            raise ValueError(f"has '{part}' in field {place + 1}, which takes {low} to {high}")
        allowed.update(range(first, last + 1, step))
    return frozenset(allowed)


def _number(text: str, place: int) -> int:
    if text.isdigit():
        return int(text)
    if len(text) >= _SHORTEST_NAME:
        for number, name in enumerate(_NAMES.get(place, ())):
            if name.startswith(text.lower()):
                return number + _RANGES[place][0]
    raise ValueError(f"has '{text}' in field {place + 1}, which is no number or name")
