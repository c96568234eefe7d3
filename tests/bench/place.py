"""Where the other ways work in tests."""

from local.microsoft.control import TenantControl
from local.microsoft.process import RunningDirectory

_NAMES = (
    *("ENTRA_CLIENT_ID", "ENTRA_CLIENT_SECRET", "ENTRA_AUTHORITY", "GRAPH_ENDPOINT"),
    *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
)


def settings_for(storage: str, directory: RunningDirectory, tenant: TenantControl) -> dict[str, str]:
    """What another way needs to know."""
    told = directory.settings()
    return {**{name: told[name] for name in _NAMES}, "TENANT": tenant.id, "STORAGE": storage}
