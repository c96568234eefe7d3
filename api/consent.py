"""Consent and disconnect over HTTP (spec §2, §7)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import azure.functions as func
import msgspec

from api.answers import answer
from api.caller import ASK_YOUR_ADMIN, Callers, require_admin
from api.requests import read_body
from api.shapes import connection_shape
from connect.connecting import Connecting
from connect.consent import Consent
from errors import Refused
from workspace.audit import Action, entry
from workspace.connection import ContactsOnDisconnect
from workspace.store import WorkspaceStore


class CodeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one-time code that came back to the portal."""

    code: str


@dataclass(frozen=True, slots=True)
class ConsentCalls:
    """Grant permissions, come back, complete, disconnect."""

    callers: Callers
    consent: Consent
    connecting: Connecting
    workspaces: WorkspaceStore
    now: Callable[[], datetime]

    async def begin(self, req: func.HttpRequest) -> func.HttpResponse:
        caller = await self.callers.of(req)
        require_admin(caller)
        return answer({"redirectUrl": await self.consent.begin(caller.workspace_id, caller.person)}, 201)

    async def callback(self, req: func.HttpRequest) -> func.HttpResponse:
        """Microsoft's returns: no token of ours comes with them, the signed state says whose they are."""
        headers = {
            "Location": await self.consent.returned(req.params),
            "Cache-Control": "no-store",
            # The address holds the code: no other site is to be told where the browser came from.
            "Referrer-Policy": "no-referrer",
        }
        return func.HttpResponse(status_code=302, headers=headers)

    async def complete(self, req: func.HttpRequest) -> func.HttpResponse:
        caller = await self.callers.of(req)
        require_admin(caller)
        tenant = await self.consent.complete(caller.workspace_id, caller.person, read_body(req, CodeBody).code)
        record = entry(Action.CONNECTED, caller.person, caller.name, self.now(), {"tenant": tenant})
        await self.connecting.connect(caller.workspace_id, tenant, caller.workspace_name, record)
        connection, _ = await self.workspaces.load(caller.workspace_id)
        return answer(connection_shape(connection, is_admin=caller.is_admin, ask_admin=ASK_YOUR_ADMIN))

    async def disconnect(self, req: func.HttpRequest) -> func.HttpResponse:
        caller = await self.callers.of(req)
        require_admin(caller)
        wanted = req.params.get("contacts", ContactsOnDisconnect.KEEP)
        if wanted not in list(ContactsOnDisconnect):
            raise Refused("What becomes of the contacts?", {"contacts": "keep or delete"})
        contacts = ContactsOnDisconnect(wanted)
        record = entry(Action.DISCONNECTED, caller.person, caller.name, self.now(), {"contacts": contacts})
        await self.connecting.disconnect(caller.workspace_id, contacts, record)
        connection, _ = await self.workspaces.load(caller.workspace_id)
        return answer(connection_shape(connection, is_admin=caller.is_admin, ask_admin=ASK_YOUR_ADMIN), 202)
