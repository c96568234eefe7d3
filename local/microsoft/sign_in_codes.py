"""The numbers of Entra's login: the OAuth error, the status and the text that go with each (facts/graph.md 5.4, 11)."""

from typing import NamedTuple


class SignInCode(NamedTuple):
    """What stands beside an AADSTS number at the token endpoint, and its text wherever it is told."""

    error: str
    status: int
    text: str


_CODES = {
    "50020": SignInCode("invalid_grant", 400, "The user account does not exist in the tenant."),
    "50105": SignInCode("invalid_grant", 400, "The signed in user is not assigned to a role for the application."),
    "53003": SignInCode("invalid_grant", 400, "Access has been blocked by Conditional Access policies."),
    "500014": SignInCode("invalid_resource", 400, "The service principal for the resource is disabled."),
    "500208": SignInCode("invalid_grant", 400, "The domain is not a valid login domain for the account type."),
    "5000224": SignInCode("invalid_request", 400, "We are sorry, this resource is not available."),
    "5000225": SignInCode("invalid_request", 400, "This tenant has been blocked due to inactivity."),
    "65004": SignInCode("access_denied", 400, "The user declined to consent to access the app."),
    "90002": SignInCode("invalid_request", 400, "The tenant was not found."),
    "90024": SignInCode("temporarily_unavailable", 400, "The request budget was exceeded; a transient error."),
    "90033": SignInCode("temporarily_unavailable", 400, "A transient error has occurred. Please try again."),
    "90093": SignInCode("access_denied", 400, "The user's administrator has configured the consent policy."),
    "90094": SignInCode("consent_required", 400, "An administrator of the organization must grant the permission."),
    "700016": SignInCode("unauthorized_client", 400, "The application was not found in the directory."),
    "7000112": SignInCode("unauthorized_client", 400, "The application is disabled."),
    "7000229": SignInCode("invalid_client", 400, "The client application has no service principal in the tenant."),
}


def sign_in_code(number: str) -> SignInCode:
    """What Entra says with a number; numbers that are not listed are about the app's own credential."""
    return _CODES.get(number, SignInCode("invalid_client", 401, "Made to fail."))
