"""The operator's alarm: our own credential fails (spec §2). Told by every worker, read by the health call."""

from datetime import datetime, timedelta

import msgspec

from storage.table import Tables
from storage.transaction import Operation, Partition, Verb

TABLE = "Schedule"
_PARTITION = Partition(TABLE, "alarms")
_ROW = "credential"
_FRESH = timedelta(minutes=15)
"""Runs try again every five minutes while it lasts, so an alarm that no run repeats is over."""


class _Alarm(msgspec.Struct, frozen=True):
    reason: str
    at: str


class Alarms:
    """One row: the last time that Microsoft refused our credential, and how."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def credential_rejected(self, reason: str, now: datetime) -> None:
        columns: dict[str, object] = {"reason": reason, "at": now.isoformat()}
        await self._tables.transact(_PARTITION, [Operation(Verb.PUT, _ROW, columns)])

    async def current(self, now: datetime) -> str | None:
        """The reason, while it lasts."""
        alarm = await self._tables.get(_PARTITION, _ROW, _Alarm)
        return alarm.reason if alarm is not None and now - datetime.fromisoformat(alarm.at) < _FRESH else None
