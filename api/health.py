"""Whether the app can do its work (spec §7): its settings, its storage, its own credential."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import azure.functions as func

from api.answers import answer
from storage.table import Tables
from sync.alarms import Alarms


@dataclass(frozen=True, slots=True)
class HealthCalls:
    """`ok`; `degraded` while our own credential fails; 503 with the reason otherwise."""

    tables: Tables
    alarms: Alarms
    now: Callable[[], datetime]

    async def show(self, _: func.HttpRequest) -> func.HttpResponse:
        await self.tables.check()
        reason = await self.alarms.current(self.now())
        return answer({"status": "degraded" if reason else "ok", "reason": reason})
