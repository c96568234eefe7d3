"""Consent that nobody can forge: from the click on Grant permissions to a tenant that is proven (spec §2).

    begin      a signed-in workspace administrator   → Microsoft's admin-consent page
    callback   Microsoft, with the consent           → a sign-in of the same person at that tenant
    callback   Microsoft, with the sign-in           → the portal, with a one-time code
    complete   the administrator who began           → the tenant, to be connected

The `tenant` in the first return proves nothing: anyone can type it. The sign-in proves whose tenant it is; the code,
that the person at the portal is the one who began.
"""

import logging
import re
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlencode

from msgspec.structs import replace

from connect.attempt import (
    LIFE,
    Attempt,
    Leg,
    Stage,
    StateRefused,
    at_stage,
    attempt_key,
    attempt_operation,
    code_hash,
    matches,
    read_attempt,
    read_state,
    sign_state,
)
from connect.sign_in import SignIn
from connect.tenant import NotAnAdministrator, ProofRefused, RolesNotTold, require_administrator
from directory.credentials import TenantId
from errors import Conflict, ConnectorError, NotAllowed, Refused, TryLater
from storage.document import DocumentRow
from storage.table import Tables
from workspace.connection import WorkspaceId, partition_of, workspace_id

log = logging.getLogger(__name__)

_TENANT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Reason(StrEnum):
    """Why a consent did not come about: `consent_error` at the portal."""

    CANCELLED = "cancelled"
    NOT_AN_ADMINISTRATOR = "not_an_administrator"
    EXPIRED = "expired"
    NOT_VALID = "not_valid"
    TRY_LATER = "try_later"
    OTHER_ORGANISATION = "other_organisation"
    NOT_ASSIGNED = "not_assigned"
    BLOCKED_BY_POLICY = "blocked_by_policy"
    APPROVAL_NEEDED = "approval_needed"
    NO_ORGANISATION = "no_organisation"
    OUR_REGISTRATION = "our_registration"
    """Our own registration lacks something: an operator's fault, no person's."""


@dataclass(frozen=True, slots=True)
class Consent:
    """Grant attempts and their steps."""

    tables: Tables
    sign_in: SignIn
    graph_endpoint: str
    portal_url: str
    state_secret: str
    now: Callable[[], datetime]

    async def begin(self, workspace: WorkspaceId, person: str) -> str:
        """A new attempt; the address of Microsoft's admin-consent page."""
        attempt = Attempt(uuid.uuid4().hex, workspace, person, self.now() + LIFE)
        await self.tables.transact(partition_of(workspace), [attempt_operation(attempt)])
        query = {
            "client_id": self.sign_in.client_id,
            # Application permissions are asked for by .default alone (facts/graph.md 5.1).
            "scope": f"{self.graph_endpoint}/.default",
            "redirect_uri": self.sign_in.redirect_uri,
            "state": sign_state(attempt, Leg.CONSENT, self.state_secret),
        }
        return f"{self.sign_in.authority}/organizations/v2.0/adminconsent?{urlencode(query)}"

    async def returned(self, query: Mapping[str, str]) -> str:
        """Take a return from Microsoft; the address to which the browser goes next. Never raises what we raise."""
        try:
            return await self._returned(query)
        except NotAnAdministrator:
            return self._to_portal("consent_error", Reason.NOT_AN_ADMINISTRATOR)
        except RolesNotTold:
            log.error("registration_wrong claim=wids setting=groupMembershipClaims")
            return self._to_portal("consent_error", Reason.OUR_REGISTRATION)
        except StateRefused:
            return self._to_portal("consent_error", Reason.EXPIRED)
        except TryLater as error:
            # A conflict is the same return twice, by the browser's back button for instance.
            reason = Reason.EXPIRED if isinstance(error, Conflict) else Reason.TRY_LATER
            return self._to_portal("consent_error", reason)
        except ConnectorError:
            return self._to_portal("consent_error", Reason.NOT_VALID)

    async def _returned(self, query: Mapping[str, str]) -> str:
        workspace, attempt_id, leg = read_state(query.get("state", ""), self.state_secret, self.now())
        attempt = await self._attempt(workspace, attempt_id)
        if "error" in query:
            # First of all: admin_consent is True on errors too (facts/graph.md 5.1).
            return self._to_portal("consent_error", _reason(query))
        if leg is Leg.CONSENT:
            return await self._consented(at_stage(attempt, Stage.BEGUN, self.now()), query)
        return await self._signed_in(at_stage(attempt, Stage.CONSENTED, self.now()), query)

    async def _consented(self, attempt: Attempt, query: Mapping[str, str]) -> str:
        claimed = query.get("tenant", "").lower()
        if query.get("admin_consent") != "True" or not _TENANT.fullmatch(claimed):
            raise ProofRefused("Microsoft named no organisation.")
        tenant = TenantId(claimed)
        # A state of its own for each leg, so that a consent's return cannot be used as a sign-in's.
        flow = await self.sign_in.begin(tenant, sign_state(attempt, Leg.SIGN_IN, self.state_secret))
        await self._step(replace(attempt, stage=Stage.CONSENTED, tenant_id=tenant, flow=flow))
        address: str = flow["auth_uri"]
        return address

    async def _signed_in(self, attempt: Attempt, query: Mapping[str, str]) -> str:
        assert attempt.tenant_id is not None
        id_token = await self.sign_in.finish(attempt.tenant_id, attempt.flow, query)
        keys = await self.sign_in.keys(attempt.tenant_id)
        require_administrator(id_token, keys, self.sign_in.expected(attempt.tenant_id, attempt.flow))
        # The browser gets the secret and the row its hash: reading the table is not enough to complete.
        secret = secrets.token_urlsafe(32)
        await self._step(replace(attempt, stage=Stage.PROVEN, flow={}, code_hash=code_hash(secret)))
        return self._to_portal("consent_code", f"{attempt.id}.{secret}")

    async def complete(self, workspace: WorkspaceId, person: str, code: str) -> TenantId:
        """Spend a one-time code: the tenant that the administrator who began may connect.

        Raises:
            NotAllowed: another person began.
            Refused: the code is unknown here, used, or too old.
        """
        attempt_id, _, secret = code.partition(".")
        refused = Refused("This code is not valid any more. Grant permissions again.", {"code": "used or too old"})
        # The id becomes part of a row's key.
        if not re.fullmatch("[0-9a-f]{32}", attempt_id):
            raise refused
        attempt = await self._attempt(workspace, attempt_id)
        if attempt is None or not matches(attempt, secret):
            raise refused
        # Else a stranger could begin, and another company's administrator would finish for the stranger's workspace.
        if attempt.person != person:
            raise NotAllowed("Only the person who asked for the permissions can complete this.")
        try:
            at_stage(attempt, Stage.PROVEN, self.now())
            await self._step(replace(attempt, stage=Stage.COMPLETED))
        except (StateRefused, Conflict) as error:
            raise refused from error
        assert attempt.tenant_id is not None
        return attempt.tenant_id

    async def _attempt(self, workspace: WorkspaceId, attempt_id: str) -> Attempt | None:
        row = await self.tables.get(partition_of(workspace_id(workspace)), attempt_key(attempt_id), DocumentRow)
        return read_attempt(row) if row is not None else None

    async def _step(self, attempt: Attempt) -> None:
        await self.tables.transact(partition_of(attempt.workspace_id), [attempt_operation(attempt)])

    def _to_portal(self, name: str, value: str) -> str:
        separator = "&" if "?" in self.portal_url else "?"
        return f"{self.portal_url}{separator}{urlencode({name: value})}"


def _reason(query: Mapping[str, str]) -> Reason:
    """What an error of Microsoft's means to a person (facts/graph.md 5.1)."""
    found = re.search(r"AADSTS(\d+)", query.get("error_description", ""))
    if query.get("error_subcode") == "cancel":
        return Reason.CANCELLED
    if found is not None and found[1] in _BY_CODE:
        return _BY_CODE[found[1]]
    if query["error"] in ("consent_required", "permission_denied", "interaction_required", "unauthorized_client"):
        return Reason.NOT_AN_ADMINISTRATOR
    return Reason.TRY_LATER if query["error"] in ("temporarily_unavailable", "server_error") else Reason.NOT_VALID


_BY_CODE = {
    "65004": Reason.CANCELLED,
    "50020": Reason.OTHER_ORGANISATION,
    "500208": Reason.NO_ORGANISATION,
    "50105": Reason.NOT_ASSIGNED,
    "53003": Reason.BLOCKED_BY_POLICY,
    "90094": Reason.APPROVAL_NEEDED,
    "90093": Reason.NOT_AN_ADMINISTRATOR,
}
"""Microsoft's sign-in codes at a consent (facts/graph.md 11)."""
