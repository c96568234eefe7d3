"""The only reader of the environment (spec §8). Nothing is read at import."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import limits
from errors import Misconfigured

# Azurite's well-known account: public, the same on every machine, and no secret.
_DEVELOPMENT_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)
_SHORTEST_SECRET = 32
_NCRONTAB_FIELDS = 6


class SettingsError(Misconfigured):
    """Everything that is missing or malformed, in one message. `problems` has a line a setting."""

    code = "settings"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("These settings need attention:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class StorageAddress:
    """One storage service: by connection string, or by address and a managed identity (no secret)."""

    connection_string: str | None = field(default=None, repr=False)
    uri: str | None = None
    identity_client_id: str | None = None


@dataclass(frozen=True, slots=True)
class EntraCredential:
    """How the app proves itself to Entra: exactly one of the three is set."""

    client_secret: str | None = field(default=None, repr=False)
    certificate_path: str | None = None
    managed_identity_client_id: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked. Times carry their unit."""

    queues: StorageAddress
    tables: StorageAddress
    entra_client_id: str
    entra_credential: EntraCredential
    entra_authority: str
    graph_endpoint: str
    platform_issuer: str
    platform_audience: str
    platform_jwks_url: str
    public_url: str
    portal_url: str
    portal_token_url: str
    state_secret: str = field(repr=False)
    sync_schedule: str
    slice_seconds: int

    @staticmethod
    def read(environ: Mapping[str, str]) -> "Settings":
        """Read and check every setting.

        Raises:
            SettingsError: with all the problems at once.
        """
        reader = _Reader(environ)
        settings = Settings(
            queues=reader.storage("AzureWebJobsStorage", "queueServiceUri"),
            tables=reader.tables(),
            entra_client_id=reader.text("ENTRA_CLIENT_ID", check=_guid),
            entra_credential=reader.credential(),
            entra_authority=reader.url("ENTRA_AUTHORITY", "https://login.microsoftonline.com", secure=True),
            graph_endpoint=reader.url("GRAPH_ENDPOINT", "https://graph.microsoft.com", secure=True),
            platform_issuer=reader.text("PLATFORM_ISSUER"),
            platform_audience=reader.text("PLATFORM_AUDIENCE"),
            platform_jwks_url=reader.url("PLATFORM_JWKS_URL"),
            public_url=reader.url("PUBLIC_URL"),
            portal_url=reader.url("PORTAL_URL", keep_path=True),
            portal_token_url=reader.url("PORTAL_TOKEN_URL", keep_path=True),
            state_secret=reader.text("STATE_SECRET", check=_long_enough),
            sync_schedule=reader.text("SYNC_SCHEDULE", "0 0 * * * *", check=_ncrontab),
            slice_seconds=reader.seconds(
                "SLICE_SECONDS", limits.SLICE_SECONDS, most=limits.LONGEST_SLICE_SETTING_SECONDS
            ),
        )
        if reader.problems:
            raise SettingsError(reader.problems)
        return settings


class _Reader:
    """Takes values from the environment and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def optional(self, name: str) -> str | None:
        return self._environ.get(name, "").strip() or None

    def text(self, name: str, default: str | None = None, check: Callable[[str], str | None] | None = None) -> str:
        value = self.optional(name) or default
        if value is None:
            self.problems.append(f"{name} is missing")
            return ""
        if check is not None and (problem := check(value)):
            self.problems.append(f"{name} {problem}")
        return value

    def url(self, name: str, default: str | None = None, *, secure: bool = False, keep_path: bool = False) -> str:
        def check(value: str) -> str | None:
            parts = urlsplit(value)
            if parts.scheme not in ({"https"} if secure else {"http", "https"}) or not parts.netloc:
                return f"must be an {'https' if secure else 'http or https'} address"
            local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
            return None if parts.scheme == "https" or local else "may be plain http on this machine only"

        value = self.text(name, default, check)
        return value if keep_path else value.rstrip("/")

    def seconds(self, name: str, default: int, *, most: int) -> int:
        value = self.optional(name) or str(default)
        if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= most:
            self.problems.append(f"{name} must be a whole number of seconds from 1 to {most}")
            return default
        return int(value)

    def storage(self, name: str, service: str) -> StorageAddress:
        """The identity form is the host's own: `NAME__queueServiceUri`, or `NAME__accountName`."""
        if connection_string := self.optional(name):
            if connection_string.rstrip(";") == "UseDevelopmentStorage=true":
                return StorageAddress(connection_string=_DEVELOPMENT_STORAGE)
            if "=" not in connection_string:
                self.problems.append(f"{name} is not a storage connection string")
            return StorageAddress(connection_string=connection_string)
        client_id = self.optional(f"{name}__clientId")
        if uri := self.optional(f"{name}__{service}"):
            if not uri.startswith("https://"):
                self.problems.append(f"{name}__{service} must be an https address")
            return StorageAddress(uri=uri.rstrip("/"), identity_client_id=client_id)
        if account := self.optional(f"{name}__accountName"):
            kind = service.removesuffix("ServiceUri")
            return StorageAddress(uri=f"https://{account}.{kind}.core.windows.net", identity_client_id=client_id)
        self.problems.append(f"{name} is missing (a connection string, or {name}__{service})")
        return StorageAddress()

    def tables(self) -> StorageAddress:
        """`DATA_STORAGE` defaults to the host's own storage (spec §8)."""
        own = self.optional("DATA_STORAGE") or self.optional("DATA_STORAGE__tableServiceUri")
        name = "DATA_STORAGE" if own else "AzureWebJobsStorage"
        known = len(self.problems)
        address = self.storage(name, "tableServiceUri")
        if name == "AzureWebJobsStorage" and self.optional(name) is None and len(self.problems) > known:
            self.problems[known:] = ["DATA_STORAGE is missing (or DATA_STORAGE__tableServiceUri)"]
        elif name == "AzureWebJobsStorage":
            del self.problems[known:]  # Already said for the queues.
        return address

    def credential(self) -> EntraCredential:
        names = ("ENTRA_CLIENT_SECRET", "ENTRA_CLIENT_CERTIFICATE_PATH", "ENTRA_MANAGED_IDENTITY_CLIENT_ID")
        values = [self.optional(name) for name in names]
        if sum(value is not None for value in values) != 1:
            self.problems.append("exactly one of " + ", ".join(names) + " must be set")
        return EntraCredential(*values)


def _guid(value: str) -> str | None:
    return None if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value) else "must be a GUID"


def _long_enough(value: str) -> str | None:
    return None if len(value) >= _SHORTEST_SECRET else f"must have at least {_SHORTEST_SECRET} characters"


def _ncrontab(value: str) -> str | None:
    return None if len(value.split()) == _NCRONTAB_FIELDS else "must have the six fields of NCRONTAB"
