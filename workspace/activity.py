"""How many contacts runs changed lately: by day for a month, by hour for a day (pure; spec §6).

It is part of the sync state. So a page that shows them costs no read of its own, however many runs there were. Days and
hours are of UTC.
"""

from datetime import datetime, timedelta

import msgspec

from workspace.run import Counts

DAYS = timedelta(days=30)
HOURS = timedelta(hours=24)


class Changed(msgspec.Struct, frozen=True):
    """Contacts that came into the list or were linked, changed, and went from it or were unlinked."""

    came: int = 0
    updated: int = 0
    gone: int = 0

    def __add__(self, other: "Changed") -> "Changed":
        return Changed(self.came + other.came, self.updated + other.updated, self.gone + other.gone)

    @property
    def total(self) -> int:
        return self.came + self.updated + self.gone


class Activity(msgspec.Struct, frozen=True):
    """By day ("2026-11-26") and by hour ("2026-11-26T13"); what nothing changed in is left out."""

    days: dict[str, Changed] = {}
    hours: dict[str, int] = {}

    def after(self, counts: Counts, at: datetime) -> "Activity":
        """The same with what a run did until `at`, without what is too old by then."""
        changed = Changed(counts.added + counts.linked, counts.updated, counts.removed + counts.unlinked)
        if not changed.total:
            return self
        day, hour = _day(at), _hour(at)
        days = self.days | {day: self.days.get(day, Changed()) + changed}
        hours = self.hours | {hour: self.hours.get(hour, 0) + changed.total}
        return Activity(
            {name: value for name, value in days.items() if name > _day(at - DAYS)},
            {name: value for name, value in hours.items() if name > _hour(at - HOURS)},
        )

    def last_hours(self, now: datetime) -> int:
        """How many contacts were changed in the last 24 hours, this hour included."""
        return sum(value for name, value in self.hours.items() if name > _hour(now - HOURS))

    def last_days(self, now: datetime) -> dict[str, Changed]:
        """The last 30 days in which something changed, the oldest first."""
        return {name: value for name, value in sorted(self.days.items()) if name > _day(now - DAYS)}


def _day(at: datetime) -> str:
    return at.isoformat()[:10]


def _hour(at: datetime) -> str:
    return at.isoformat()[:13]
