"""A grant attempt: single-use, ten minutes long, bound to a workspace, a person and a browser (pure; spec §2, §7)."""

import hashlib
import hmac
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import jwt
import msgspec

from directory.credentials import TenantId
from errors import Refused
from storage.document import DocumentRow, document_columns
from storage.transaction import Operation, Verb
from workspace.connection import WorkspaceId, workspace_id
from workspace.store import ATTEMPT_PREFIX

LIFE = timedelta(minutes=10)
_ALGORITHM = "HS256"
_AUDIENCE = "emu.chat/entra/consent"


class Stage(StrEnum):
    """How far an attempt came. Each step is taken once, in this order."""

    BEGUN = "begun"
    CONSENTED = "consented"
    PROVEN = "proven"
    COMPLETED = "completed"


class Leg(StrEnum):
    """Which of Microsoft's two returns a state belongs to."""

    CONSENT = "consent"
    SIGN_IN = "sign_in"


class Attempt(msgspec.Struct, frozen=True, rename="camel"):
    """An attempt. `tenant_id` is only claimed until the stage is PROVEN; `flow` is the sign-in's own memory.

    The verifier, whose hash stands here, is known to the browser that began alone. `approved_by` is who signed in at
    the tenant.
    """

    id: str
    workspace_id: WorkspaceId
    person: str
    expires_at: datetime
    stage: Stage = Stage.BEGUN
    tenant_id: TenantId | None = None
    flow: dict[str, Any] = {}
    code_hash: str = ""
    verifier_hash: str = ""
    approved_by: str = ""
    etag: str = ""


class StateRefused(Refused):
    """The state, or the attempt behind it, is not good (any more)."""

    code = "consent_state"


def attempt_key(attempt_id: str) -> str:
    return f"{ATTEMPT_PREFIX}{attempt_id}"


def attempt_operation(attempt: Attempt) -> Operation:
    """Write an attempt as it was read: of two requests that take the same step, the second one fails."""
    columns = document_columns(msgspec.structs.replace(attempt, etag=""))
    if not attempt.etag:
        return Operation(Verb.INSERT, attempt_key(attempt.id), columns)
    return Operation(Verb.REPLACE, attempt_key(attempt.id), columns, attempt.etag)


def read_attempt(row: DocumentRow) -> Attempt:
    return msgspec.structs.replace(row.read(Attempt), etag=row.etag)


def sign_state(attempt: Attempt, leg: Leg, secret: str) -> str:
    """The `state` parameter of an address at Microsoft, which comes back as it was sent."""
    claims = {"aud": _AUDIENCE, "w": attempt.workspace_id, "a": attempt.id, "leg": leg, "exp": attempt.expires_at}
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def read_state(state: str, secret: str, now: datetime) -> tuple[WorkspaceId, str, Leg]:
    """The workspace, the attempt's id and the leg that a state names.

    Raises:
        StateRefused: it is not ours, was changed, or is too old.
    """
    try:
        # The expiry is compared below with the injected clock, which tests set.
        claims = jwt.decode(
            state, secret, [_ALGORITHM], audience=_AUDIENCE, options={"require": ["exp", "aud"], "verify_exp": False}
        )
        workspace, attempt_id, leg = workspace_id(str(claims["w"])), str(claims["a"]), Leg(claims["leg"])
    except (jwt.InvalidTokenError, KeyError, ValueError, Refused) as error:
        raise StateRefused("The return from Microsoft does not belong to a request of emu.chat's.") from error
    if now.timestamp() > claims["exp"]:
        raise StateRefused("The ten minutes for granting permissions are over.")
    return workspace, attempt_id, leg


def at_stage(attempt: Attempt | None, stage: Stage, now: datetime) -> Attempt:
    """The attempt, if its next step is the one wanted.

    Raises:
        StateRefused
    """
    if attempt is None or attempt.stage is not stage or now > attempt.expires_at:
        raise StateRefused("This request for permissions was used already, or is too old.")
    return attempt


def hash_of(secret: str) -> str:
    """How a code or a verifier is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def matches(stored_hash: str, secret: str) -> bool:
    """Whether a secret is the one stored; never where none is stored."""
    return bool(stored_hash) and hmac.compare_digest(stored_hash, hash_of(secret))
