"""Consent and disconnect over HTTP (spec §2, §7)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import azure.functions as func
import msgspec

from api.answers import Accepted, Created, Redirect, Reply
from api.caller import ASK_YOUR_ADMIN, Caller, Callers, require_admin
from api.connection_shapes import IntegrationShape, Tenant, connection_shape
from api.requests import read_body
from connect.connecting import Connecting, OtherTenant, Outsider
from connect.consent import Consent
from connect.tenants import ConnectedWorkspace, TenantIndex
from directory.credentials import TenantId
from errors import NotFound, Refused
from workspace.audit import Action, entry
from workspace.connection import ContactsOnDisconnect, workspace_id
from workspace.store import WorkspaceStore


class CodeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The one-time code that came back to the portal, and the verifier that the browser kept."""

    code: str
    verifier: str


class OtherBody(CodeBody, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The same, and the workspace whose connection is to end."""

    workspace_id: str


class Grant(msgspec.Struct, frozen=True, rename="camel"):
    """A grant attempt that began: where the browser goes, and the verifier, which only this browser keeps."""

    redirect_url: str
    verifier: str


class Review(msgspec.Struct, frozen=True, rename="camel"):
    """What an administrator is about to join: the tenant, and who approved at Microsoft, by name and user name.

    `otherWorkspaces` read the same tenant already; whoever approved may not know of them.
    """

    tenant: Tenant
    approved_by: str
    other_workspaces: list[ConnectedWorkspace]


@dataclass(frozen=True, slots=True)
class ConsentCalls:
    """Grant permissions, come back, review, complete, disconnect."""

    callers: Callers
    consent: Consent
    connecting: Connecting
    tenants: TenantIndex
    workspaces: WorkspaceStore
    now: Callable[[], datetime]

    async def begin(self, req: func.HttpRequest) -> Created[Grant]:
        caller = await self.callers.of(req)
        require_admin(caller)
        return Created(Grant(*await self.consent.begin(caller.workspace_id, caller.person)))

    async def callback(self, req: func.HttpRequest) -> Redirect:
        """Microsoft's returns: no token of ours comes with them, the signed state says whose they are."""
        # Any failure is a reason at the portal too: the person there sees a page, never JSON.
        return Redirect(await self.consent.returned(req.params))

    async def review(self, req: func.HttpRequest) -> Reply[Review]:
        caller = await self.callers.of(req)
        require_admin(caller)
        body = read_body(req, CodeBody)
        return Reply(await self._review(caller, body.code, body.verifier))

    async def end_other(self, req: func.HttpRequest) -> Reply[Review]:
        """End another workspace's connection to the tenant, as its proven administrator. Its contacts are kept.

        Raises:
            NotFound: the workspace does not read this tenant.
        """
        caller = await self.callers.of(req)
        require_admin(caller)
        body = read_body(req, OtherBody)
        proof = await self.consent.proof(caller.workspace_id, caller.person, body.code, body.verifier)
        others = [one for one in await self._others(caller, proof.tenant_id) if one.id == body.workspace_id]
        if not others:
            raise NotFound("This workspace does not read your organisation.")
        details = {"contacts": ContactsOnDisconnect.KEEP, "byAdministratorOf": proof.tenant_id}
        record = entry(Action.DISCONNECTED, "", proof.approved_by, self.now(), details)
        outsider = Outsider(proof.tenant_id, proof.approved_by)
        await self.connecting.disconnect(workspace_id(others[0].id), ContactsOnDisconnect.KEEP, record, outsider)
        return Reply(await self._review(caller, body.code, body.verifier))

    async def _review(self, caller: Caller, code: str, verifier: str) -> Review:
        proof, name = await self.consent.review(caller.workspace_id, caller.person, code, verifier)
        others = await self._others(caller, proof.tenant_id)
        return Review(Tenant(proof.tenant_id, name), proof.approved_by, others)

    async def _others(self, caller: Caller, tenant: TenantId) -> list[ConnectedWorkspace]:
        return [one for one in await self.tenants.workspaces(tenant) if one.id != caller.workspace_id]

    async def complete(self, req: func.HttpRequest) -> Reply[IntegrationShape]:
        caller = await self.callers.of(req)
        require_admin(caller)
        body = read_body(req, CodeBody)
        proof = await self.consent.complete(caller.workspace_id, caller.person, body.code, body.verifier)
        details = {"tenant": proof.tenant_id, "approvedBy": proof.approved_by}
        record = entry(Action.CONNECTED, caller.person, caller.name, self.now(), details)
        await self.tenants.join(proof.tenant_id, caller.workspace_id, caller.workspace_name, caller.name)
        try:
            await self.connecting.connect(
                caller.workspace_id, proof.tenant_id, caller.workspace_name, caller.name, record
            )
        except OtherTenant:
            # The index holds names: it keeps no row of a workspace that does not read the tenant.
            await self.tenants.leave(proof.tenant_id, caller.workspace_id)
            raise
        connection, _ = await self.workspaces.load(caller.workspace_id)
        return Reply(connection_shape(connection, is_admin=caller.is_admin, ask_admin=ASK_YOUR_ADMIN))

    async def disconnect(self, req: func.HttpRequest) -> Accepted[IntegrationShape]:
        caller = await self.callers.of(req)
        require_admin(caller)
        wanted = req.params.get("contacts", "")
        if wanted not in list(ContactsOnDisconnect):
            raise Refused("What becomes of the contacts?", {"contacts": "keep or delete"})
        contacts = ContactsOnDisconnect(wanted)
        record = entry(Action.DISCONNECTED, caller.person, caller.name, self.now(), {"contacts": contacts})
        await self.connecting.disconnect(caller.workspace_id, contacts, record)
        connection, _ = await self.workspaces.load(caller.workspace_id)
        return Accepted(connection_shape(connection, is_admin=caller.is_admin, ask_admin=ASK_YOUR_ADMIN))
