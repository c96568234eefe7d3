"""An app's standing in a tenant, and how a person's consent or sign-in ends badly (facts/graph.md 5, 11)."""

from enum import StrEnum

import msgspec


class Lost(StrEnum):
    """How missing consent shows (facts/graph.md 5.4)."""

    APP_NOT_FOUND = "700016"
    NO_SERVICE_PRINCIPAL = "7000229"
    DISABLED = "7000112"
    TENANT_GONE = "90002"
    INACTIVE = "5000225"
    IDENTITY_NOT_FOUND = "Authorization_IdentityNotFound"
    REQUEST_DENIED = "Authorization_RequestDenied"
    ROLELESS = "roleless"


class Consent(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The app's standing in a tenant. `spreading` token requests after the consent still fail, or lack the role."""

    given: bool = False
    lost_as: Lost = Lost.APP_NOT_FOUND
    spreading: int = 0
    credential_error: str = ""
    organization_readable: bool = False


class Leg(StrEnum):
    """Which of the two redirects back to the app."""

    CONSENT = "consent"
    SIGN_IN = "sign_in"


class Refusal(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What the next `times` redirects back to the app say instead of success.

    `code` is an AADSTS number, told in `error_description` ('' for a redirect without a description); `subcode` is
    `error_subcode`, left out where it is ''.
    """

    leg: Leg = Leg.CONSENT
    code: str = ""
    error: str = "access_denied"
    subcode: str = ""
    times: int = 1


def next_refusal(refusals: list[Refusal], leg: Leg) -> Refusal | None:
    """Take the refusal that the next redirect of a leg meets, if any."""
    found = next((one for one in refusals if one.leg is leg), None)
    if found is not None:
        found.times -= 1
        if found.times <= 0:
            refusals.remove(found)
    return found
