"""Whether the app can do its work (spec §7): its settings, its storage, its own credential."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import azure.functions as func
import msgspec

from api.answers import Reply
from storage.table import Tables
from sync.alarms import Alarms


class Health(msgspec.Struct, frozen=True):
    """`degraded`, with the reason, while our own credential fails."""

    status: Literal["ok", "degraded"]
    reason: str | None


@dataclass(frozen=True, slots=True)
class HealthCalls:
    """`ok`; `degraded` while our own credential fails; 503 with the reason otherwise."""

    tables: Tables
    alarms: Alarms
    now: Callable[[], datetime]

    async def show(self, _: func.HttpRequest) -> Reply[Health]:
        # Raises when storage does not answer, which `answering` turns into a 503 with the reason.
        await self.tables.check()
        reason = await self.alarms.current(self.now())
        return Reply(Health("degraded" if reason else "ok", reason))
