"""Whether the app can do its work (spec §7): its settings, its storage, its own credential."""

from collections.abc import Callable
from datetime import datetime

import azure.functions as func

from api.answers import answer
from storage.table import Tables
from sync.alarms import Alarms


class HealthCalls:
    """`ok`; `degraded` while our own credential fails; 503 with the reason otherwise."""

    def __init__(self, tables: Tables, alarms: Alarms, now: Callable[[], datetime]) -> None:
        self._tables = tables
        self._alarms = alarms
        self._now = now

    async def show(self, _: func.HttpRequest) -> func.HttpResponse:
        await self._tables.check()
        reason = await self._alarms.current(self._now())
        return answer({"status": "degraded" if reason else "ok", "reason": reason})
