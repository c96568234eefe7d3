"""NCRONTAB: second, minute, hour, day, month, day of the week; UTC (pure; facts/functions.md 2)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LOOK_AHEAD_DAYS = 366 * 8
_WEEKDAY = 5
_SUNDAY_TOO = 7


@dataclass(frozen=True, slots=True)
class Schedule:
    """The values that each field allows."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def next_after(self, moment: datetime) -> datetime:
        """The first occurrence later than a moment.

        Raises:
            ValueError: there is none within eight years.
        """
        moment = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        day = moment.replace(hour=0, minute=0, second=0)
        for offset in range(_LOOK_AHEAD_DAYS):
            candidate = day + timedelta(days=offset)
            if self._has_day(candidate) and (found := self._time_on(candidate, moment)) is not None:
                return found
        raise ValueError("the schedule never occurs")

    def _has_day(self, day: datetime) -> bool:
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


def parse(text: str) -> Schedule:
    """Read an expression of six fields.

    Raises:
        ValueError: naming the field that is wrong.
    """
    fields = text.lower().split()
    if len(fields) != len(_RANGES):
        raise ValueError(f"'{text}' must have six fields: second minute hour day month day-of-week")
    return Schedule(*[_field(field, place) for place, field in enumerate(fields)])


def _field(text: str, place: int) -> frozenset[int]:
    low, high = _RANGES[place]
    allowed: set[int] = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        step = int(step_text) if step_text else 1
        first, last = _span(span, place, low, high if step_text or span == "*" else None)
        if not (low <= first <= last <= high and step >= 1):
            raise ValueError(f"'{part}' is out of range in field {place + 1}")
        allowed.update(range(first, last + 1, step))
    return frozenset(allowed)


def _span(text: str, place: int, low: int, open_end: int | None) -> tuple[int, int]:
    if text == "*":
        return low, _RANGES[place][1]
    first_text, dash, last_text = text.partition("-")
    first = _number(first_text, place)
    if dash:
        return first, _number(last_text, place)
    return first, first if open_end is None else open_end


def _number(text: str, place: int) -> int:
    names = {4: _MONTHS, 5: _DAYS}.get(place, ())
    if text[:3] in names:
        return names.index(text[:3]) + _RANGES[place][0]
    try:
        value = int(text)
    except ValueError as error:
        raise ValueError(f"'{text}' is not a number in field {place + 1}") from error
    return 0 if place == _WEEKDAY and value == _SUNDAY_TOO else value
