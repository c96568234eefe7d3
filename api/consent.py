"""Consent and disconnect over HTTP (spec §2, §7)."""

from collections.abc import Callable
from datetime import datetime

import azure.functions as func
import msgspec

from api.answers import answer
from api.caller import ASK_YOUR_ADMIN, Callers, require_admin
from api.requests import read_body
from api.shapes import connection_shape
from connect.connection import ContactsOnDisconnect
from connect.consent import Consent
from errors import Refused
from sync.audit import Action, entry
from sync.connecting import Connecting
from sync.workspaces import Workspaces


class CodeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one-time code that came back to the portal."""

    code: str


class ConsentCalls:
    """Grant permissions, come back, complete, disconnect."""

    def __init__(
        self,
        callers: Callers,
        consent: Consent,
        connecting: Connecting,
        workspaces: Workspaces,
        now: Callable[[], datetime],
    ) -> None:
        self._callers = callers
        self._consent = consent
        self._connecting = connecting
        self._workspaces = workspaces
        self._now = now

    async def begin(self, req: func.HttpRequest) -> func.HttpResponse:
        caller = await self._callers.of(req)
        require_admin(caller)
        return answer({"redirectUrl": await self._consent.begin(caller.workspace_id, caller.person)}, 201)

    async def callback(self, req: func.HttpRequest) -> func.HttpResponse:
        """Microsoft's returns: no token of ours comes with them, the signed state says whose they are."""
        headers = {
            "Location": await self._consent.returned(req.params),
            "Cache-Control": "no-store",
            # The address holds the code: no other site is to be told where the browser came from.
            "Referrer-Policy": "no-referrer",
        }
        return func.HttpResponse(status_code=302, headers=headers)

    async def complete(self, req: func.HttpRequest) -> func.HttpResponse:
        caller = await self._callers.of(req)
        require_admin(caller)
        tenant = await self._consent.complete(caller.workspace_id, caller.person, read_body(req, CodeBody).code)
        record = entry(Action.CONNECTED, caller.person, caller.name, self._now(), {"tenant": tenant})
        await self._connecting.connect(caller.workspace_id, tenant, caller.workspace_name, record)
        connection, _ = await self._workspaces.load(caller.workspace_id)
        return answer(connection_shape(connection, is_admin=caller.is_admin, ask_admin=ASK_YOUR_ADMIN))

    async def disconnect(self, req: func.HttpRequest) -> func.HttpResponse:
        caller = await self._callers.of(req)
        require_admin(caller)
        wanted = req.params.get("contacts", ContactsOnDisconnect.KEEP)
        if wanted not in list(ContactsOnDisconnect):
            raise Refused("What becomes of the contacts?", {"contacts": "keep or delete"})
        contacts = ContactsOnDisconnect(wanted)
        record = entry(Action.DISCONNECTED, caller.person, caller.name, self._now(), {"contacts": contacts})
        await self._connecting.disconnect(caller.workspace_id, contacts, record)
        connection, _ = await self._workspaces.load(caller.workspace_id)
        return answer(connection_shape(connection, is_admin=caller.is_admin, ask_admin=ASK_YOUR_ADMIN), 202)
