"""Consent that nobody can forge: from the click on Grant permissions to a tenant that is proven (spec §2).

    begin      a signed-in workspace administrator   → Microsoft's admin-consent page
    callback   Microsoft, with the consent           → a sign-in of the same person at that tenant
    callback   Microsoft, with the sign-in           → the portal, with a one-time code
    review     the administrator who began           → which tenant that is, and who approved
    complete   the same                              → the tenant, to be connected

The `tenant` in the first return proves nothing: anyone can type it. The sign-in proves whose tenant it is. The code and
the verifier prove that the person and the browser at the portal are those that began: somebody else who approved the
request cannot have it completed.
"""

import contextlib
import logging
import re
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode

from msgspec.structs import replace

import limits
from connect.attempt import (
    LIFE,
    Attempt,
    Leg,
    Stage,
    StateRefused,
    at_stage,
    attempt_key,
    attempt_operation,
    hash_of,
    matches,
    read_attempt,
    read_state,
    sign_state,
)
from connect.refusals import REFUSALS
from connect.sign_in import SignIn
from connect.tenant import ClaimNotTold, NotAnAdministrator, ProofRefused, SignInTooOld, require_administrator
from directory.credentials import TenantId
from directory.graph import Graph
from directory.organization import organization_name
from errors import Conflict, ConnectorError, NotAllowed, Refused, TooMany, TryLater
from storage.document import DocumentRow
from storage.filters import beginning
from storage.table import Tables
from storage.transaction import Operation, Verb
from sync.schedule import Schedule
from workspace.connection import TABLE, WorkspaceId, partition_of
from workspace.store import ATTEMPT_PREFIX

log = logging.getLogger(__name__)

_ATTEMPT = re.compile(r"[0-9a-f]{32}")
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
    SIGN_IN_TOO_OLD = "sign_in_too_old"
    OUR_REGISTRATION = "our_registration"
    """Our own registration lacks something: an operator's fault, no person's."""


class CodeRefused(Refused):
    """The code or the verifier is not good (any more)."""

    code = "consent_code"


_BY_ERROR: dict[type[ConnectorError], Reason] = {
    NotAnAdministrator: Reason.NOT_AN_ADMINISTRATOR,
    SignInTooOld: Reason.SIGN_IN_TOO_OLD,
    StateRefused: Reason.EXPIRED,
    TryLater: Reason.TRY_LATER,
}


@dataclass(frozen=True, slots=True)
class Proof:
    """What a grant attempt proved: whose tenant it is, and who approved, by name and user name."""

    tenant_id: TenantId
    approved_by: str


@dataclass(frozen=True, slots=True)
class Consent:
    """Grant attempts and their steps."""

    tables: Tables
    schedule: Schedule
    sign_in: SignIn
    graph: Graph
    graph_endpoint: str
    portal_url: str
    state_secret: str = field(repr=False)
    now: Callable[[], datetime]

    async def begin(self, workspace: WorkspaceId, person: str) -> tuple[str, str]:
        """A new attempt: the address of Microsoft's admin-consent page, and the verifier, for this browser alone."""
        # Only the browser that begins has it, so a code that is seen elsewhere, in a log for instance, completes
        # nothing.
        verifier = secrets.token_urlsafe(32)
        expires_at = self.now() + LIFE
        attempt = Attempt(uuid.uuid4().hex, workspace, person, expires_at, verifier_hash=hash_of(verifier))
        # Each open attempt is a row: a script must not fill the partition.
        await self._require_few(workspace)
        await self.schedule.know(workspace)
        await self.tables.transact(partition_of(workspace), [attempt_operation(attempt)])
        query = {
            "client_id": self.sign_in.client_id,
            # Application permissions are asked for by .default alone (facts/graph.md 5.1).
            "scope": f"{self.graph_endpoint}/.default",
            "redirect_uri": self.sign_in.redirect_uri,
            "state": sign_state(attempt, Leg.CONSENT, self.state_secret),
        }
        return f"{self.sign_in.authority}/organizations/v2.0/adminconsent?{urlencode(query)}", verifier

    async def _require_few(self, workspace: WorkspaceId) -> None:
        """Delete attempts that are over.

        Raises:
            TooMany: so many are open.
        """
        where = beginning(workspace, ATTEMPT_PREFIX)
        rows, _ = await self.tables.page(TABLE, where, DocumentRow, most=2 * limits.OPEN_ATTEMPTS)
        over = [row for row in rows if read_attempt(row).expires_at < self.now()]
        if over:
            with contextlib.suppress(Conflict):  # Another request deletes them as well.
                deletions = [Operation(Verb.DELETE, row.row_key) for row in over]
                await self.tables.transact(partition_of(workspace), deletions)
        if len(rows) - len(over) >= limits.OPEN_ATTEMPTS:
            raise TooMany("Permissions were asked for very often just now. Try again in ten minutes.", 600)

    async def returned(self, query: Mapping[str, str]) -> str:
        """Take a return from Microsoft; the address to which the browser goes next. Never raises what we raise."""
        try:
            return await self._returned(query)
        except ClaimNotTold as error:
            log.error("registration_wrong claim=%s setting=%s", error.claim, error.setting)
            reason = Reason.OUR_REGISTRATION
        except Conflict:
            reason = Reason.EXPIRED  # The other one of two returns was first.
        except ConnectorError as error:
            reason = next((one for kind, one in _BY_ERROR.items() if isinstance(error, kind)), Reason.NOT_VALID)
        if reason is not Reason.TRY_LATER:
            REFUSALS.tell(f"consent_{reason}", "callback", self._workspace_of(query))
        return self._to_portal("consent_error", reason)

    def _workspace_of(self, query: Mapping[str, str]) -> str:
        """The workspace that a return belongs to, '' where its state is not ours."""
        try:
            return read_state(query.get("state", ""), self.state_secret, self.now())[0]
        except StateRefused:
            return ""

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
        since = self.now() - timedelta(seconds=limits.SIGN_IN_MAX_AGE_SECONDS)
        approver = require_administrator(id_token, keys, self.sign_in.expected(attempt.tenant_id, attempt.flow, since))
        secret = secrets.token_urlsafe(32)
        proven = replace(attempt, stage=Stage.PROVEN, flow={}, code_hash=hash_of(secret), approved_by=approver)
        await self._step(proven)
        return self._to_portal("consent_code", f"{attempt.id}.{secret}")

    async def review(self, workspace: WorkspaceId, person: str, code: str, verifier: str) -> tuple[Proof, str]:
        """What a code would join, and the organisation's name; the code stays good.

        The name is Graph's where it tells it, else the approver's domain: never what our own side calls the workspace.

        Raises:
            as `complete`
        """
        proof = await self.proof(workspace, person, code, verifier)
        await self.graph.renew(proof.tenant_id)
        name = await organization_name(self.graph, proof.tenant_id)
        return proof, name or proof.approved_by.rpartition("@")[2].rstrip(")") or proof.tenant_id

    async def proof(self, workspace: WorkspaceId, person: str, code: str, verifier: str) -> Proof:
        """What a code proves; it stays good.

        Raises:
            as `complete`
        """
        return _proof(await self._proven(workspace, person, code, verifier))

    async def complete(self, workspace: WorkspaceId, person: str, code: str, verifier: str) -> Proof:
        """Spend a one-time code: the tenant that the administrator who began may connect.

        Raises:
            NotAllowed: somebody else began.
            Refused: the code is unknown here, used, or too old; or another browser began.
        """
        attempt = await self._proven(workspace, person, code, verifier)
        try:
            await self._step(replace(attempt, stage=Stage.COMPLETED))
        except Conflict as error:
            raise _code_refused() from error
        return _proof(attempt)

    async def _proven(self, workspace: WorkspaceId, person: str, code: str, verifier: str) -> Attempt:
        """Raises: NotAllowed, Refused."""
        attempt_id, _, secret = code.partition(".")
        attempt = await self._attempt(workspace, attempt_id) if _ATTEMPT.fullmatch(attempt_id) else None
        if attempt is None or not matches(attempt.code_hash, secret):
            raise _code_refused()
        if attempt.person != person:
            raise NotAllowed("Only the person who asked for the permissions can complete this.")
        if not matches(attempt.verifier_hash, verifier):
            raise CodeRefused(
                "This request began in another browser. Grant permissions again.", {"verifier": "another's"}
            )
        try:
            return at_stage(attempt, Stage.PROVEN, self.now())
        except StateRefused as error:
            raise _code_refused() from error

    async def _attempt(self, workspace: WorkspaceId, attempt_id: str) -> Attempt | None:
        row = await self.tables.get(partition_of(workspace), attempt_key(attempt_id), DocumentRow)
        return read_attempt(row) if row is not None else None

    async def _step(self, attempt: Attempt) -> None:
        await self.tables.transact(partition_of(attempt.workspace_id), [attempt_operation(attempt)])

    def _to_portal(self, name: str, value: str) -> str:
        separator = "&" if "?" in self.portal_url else "?"
        return f"{self.portal_url}{separator}{urlencode({name: value})}"


def _proof(attempt: Attempt) -> Proof:
    assert attempt.tenant_id is not None
    return Proof(attempt.tenant_id, attempt.approved_by)


def _code_refused() -> CodeRefused:
    return CodeRefused("This code is not valid any more. Grant permissions again.", {"code": "used or too old"})


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
