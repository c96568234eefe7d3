"""What an ID token proves: that an administrator of a tenant signed in just now (pure; spec §2; facts/graph.md 5.2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt

from directory.credentials import TenantId
from errors import Refused
from mapping.text import storable

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_ROLE_ADMINISTRATOR = "e8611ab8-c189-46e8-94e1-60213ab1f814"
MAY_CONSENT = frozenset({GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR})
"""Role template ids: who may grant application permissions (facts/graph.md 5.1)."""

_CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
_LEEWAY_SECONDS = 60
_REQUIRED = ["iss", "aud", "exp", "iat", "nonce", "tid", "oid"]
_LONGEST_NAME = 200


class ProofRefused(Refused):
    """The sign-in proves nothing."""

    code = "sign_in_not_valid"


class NotAnAdministrator(Refused):
    """The sign-in is good, but not an administrator's."""

    code = "not_an_administrator"


class SignInTooOld(Refused):
    """The person signed in at Microsoft before this request began: the sign-in may be another person's, left open."""

    code = "sign_in_too_old"


class ClaimNotTold(Refused):
    """The token lacks a claim that our registration has to ask for (facts/graph.md 11). An operator's fault."""

    code = "claim_not_told"

    def __init__(self, claim: str, setting: str) -> None:
        super().__init__(f"Microsoft's sign-in does not tell {claim}.")
        self.claim, self.setting = claim, setting


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must say. `authority` is Microsoft's login address, `nonce` as it went out.

    `since`: the token is not older than this, and neither is the sign-in.
    """

    authority: str
    client_id: str
    tenant_id: TenantId
    nonce: str
    since: datetime


def require_administrator(id_token: str, keys: dict[str, Any], expected: Expected) -> str:
    """The name of the administrator who may grant, once the ID token is checked. `keys` is the tenant's JWKS.

    Raises:
        ProofRefused: signature, audience, issuer, nonce, time or tenant is not as expected.
        SignInTooOld: the person signed in before `since`.
        NotAnAdministrator: no role that may grant.
        ClaimNotTold: the token has no `wids`, which every member's has, or no `auth_time`.
    """
    issuer = f"{expected.authority}/{expected.tenant_id}/v2.0"
    try:
        claims = jwt.decode(
            id_token,
            _key_of(id_token, keys, issuer, expected.tenant_id),
            algorithms=["RS256"],
            audience=expected.client_id,
            issuer=issuer,
            leeway=_LEEWAY_SECONDS,
            options={"require": _REQUIRED},
        )
    except jwt.PyJWTError as error:
        raise ProofRefused(f"Microsoft's sign-in is not valid ({type(error).__name__}).") from error
    # A token of another sign-in, for instance one that an attacker has seen, proves nothing about this one.
    if claims["nonce"] != expected.nonce:
        raise ProofRefused("Microsoft's sign-in belongs to another request.")
    # All personal Microsoft accounts share one tenant, which has no administrator.
    if claims["tid"] != expected.tenant_id or claims["tid"] == _CONSUMERS:
        raise ProofRefused("The sign-in is not of the organisation that gave the permission.")
    _require_fresh(claims, expected.since)
    if "wids" not in claims:
        raise ClaimNotTold("wids", "groupMembershipClaims")
    roles = claims["wids"]
    if not isinstance(roles, list) or not MAY_CONSENT & {role for role in roles if isinstance(role, str)}:
        raise NotAnAdministrator("The person who signed in is no administrator of the organisation.")
    return _name_of(claims)


def _require_fresh(claims: dict[str, Any], since: datetime) -> None:
    """Raises: ProofRefused, SignInTooOld, ClaimNotTold."""
    earliest = since.timestamp() - _LEEWAY_SECONDS
    if claims["iat"] < earliest:
        raise ProofRefused("Microsoft's sign-in is of an earlier time.")
    auth_time = claims.get("auth_time")
    if not isinstance(auth_time, int):
        raise ClaimNotTold("auth_time", "optionalClaims")
    if auth_time < earliest:
        raise SignInTooOld("The sign-in at Microsoft is older than this request.")


def _name_of(claims: dict[str, Any]) -> str:
    """How people recognise who signed in: name and user name, or the object id where the token tells neither."""
    texts = (claims.get(one) for one in ("name", "preferred_username"))
    told = [storable(one) for one in texts if isinstance(one, str) and one]
    name = told[0] if told else str(claims["oid"])
    return f"{name} ({told[1]})"[:_LONGEST_NAME] if len(told) > 1 else name[:_LONGEST_NAME]


def _key_of(id_token: str, keys: dict[str, Any], issuer: str, tenant: TenantId) -> jwt.PyJWK:
    """The key that the token names, if it may sign for this issuer. Only RSA keys: no other kind is used by Entra."""
    kid = jwt.get_unverified_header(id_token).get("kid")
    for key in keys.get("keys", []):
        # The keys that all tenants share name their issuer with a placeholder.
        named = str(key.get("issuer", issuer)).replace("{tenantid}", tenant)
        if key.get("kid") == kid and key.get("kty") == "RSA" and named == issuer:
            return jwt.PyJWK.from_dict({**key, "alg": "RS256"})
    raise jwt.InvalidKeyError("no key of that id signs for this tenant")
