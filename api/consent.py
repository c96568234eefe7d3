"""Consent and disconnect over HTTP (spec §2, §7)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import azure.functions as func
import msgspec

from api.answers import Accepted, Created, Redirect, Reply
from api.caller import ASK_YOUR_ADMIN, Callers, require_admin
from api.requests import read_body
from api.shapes import IntegrationShape, Tenant, connection_shape
from connect.connecting import Connecting
from connect.consent import Consent
from errors import Refused
from workspace.audit import Action, entry
from workspace.connection import ContactsOnDisconnect
from workspace.store import WorkspaceStore


class CodeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one-time code that came back to the portal, and the verifier that the browser kept."""

    code: str
    verifier: str


class Grant(msgspec.Struct, frozen=True, rename="camel"):
    """A grant attempt that began: where the browser goes, and the verifier, which only this browser keeps."""

    redirect_url: str
    verifier: str


class Review(msgspec.Struct, frozen=True, rename="camel"):
    """What an administrator is about to join: the tenant, and who approved at Microsoft, by name and user name."""

    tenant: Tenant
    approved_by: str


@dataclass(frozen=True, slots=True)
class ConsentCalls:
    """Grant permissions, come back, review, complete, disconnect."""

    callers: Callers
    consent: Consent
    connecting: Connecting
    workspaces: WorkspaceStore
    now: Callable[[], datetime]

    async def begin(self, req: func.HttpRequest) -> Created[Grant]:
        caller = await self.callers.of(req)
        require_admin(caller)
        return Created(Grant(*await self.consent.begin(caller.workspace_id, caller.person)))

    async def callback(self, req: func.HttpRequest) -> Redirect:
        """Microsoft's returns: no token of ours comes with them, the signed state says whose they are."""
        return Redirect(await self.consent.returned(req.params))

    async def review(self, req: func.HttpRequest) -> Reply[Review]:
        caller = await self.callers.of(req)
        require_admin(caller)
        body = read_body(req, CodeBody)
        proof, name = await self.consent.review(caller.workspace_id, caller.person, body.code, body.verifier)
        return Reply(Review(Tenant(proof.tenant_id, name), proof.approved_by))

    async def complete(self, req: func.HttpRequest) -> Reply[IntegrationShape]:
        caller = await self.callers.of(req)
        require_admin(caller)
        body = read_body(req, CodeBody)
        proof = await self.consent.complete(caller.workspace_id, caller.person, body.code, body.verifier)
        details = {"tenant": proof.tenant_id, "approvedBy": proof.approved_by}
        record = entry(Action.CONNECTED, caller.person, caller.name, self.now(), details)
        await self.connecting.connect(caller.workspace_id, proof.tenant_id, caller.workspace_name, record)
        connection, _ = await self.workspaces.load(caller.workspace_id)
        return Reply(connection_shape(connection, is_admin=caller.is_admin, ask_admin=ASK_YOUR_ADMIN))

    async def disconnect(self, req: func.HttpRequest) -> Accepted[IntegrationShape]:
        caller = await self.callers.of(req)
        require_admin(caller)
        wanted = req.params.get("contacts", ContactsOnDisconnect.KEEP)
        if wanted not in list(ContactsOnDisconnect):
            raise Refused("What becomes of the contacts?", {"contacts": "keep or delete"})
        contacts = ContactsOnDisconnect(wanted)
        record = entry(Action.DISCONNECTED, caller.person, caller.name, self.now(), {"contacts": contacts})
        await self.connecting.disconnect(caller.workspace_id, contacts, record)
        connection, _ = await self.workspaces.load(caller.workspace_id)
        return Accepted(connection_shape(connection, is_admin=caller.is_admin, ask_admin=ASK_YOUR_ADMIN))
