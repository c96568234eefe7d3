"""The only reader of the environment (spec §8). Nothing is read at import."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import limits
from errors import Misconfigured
from sync.timetable import Timetable, read_timetable

# Azurite's well-known account: public, the same on every machine, and no secret.
_DEVELOPMENT_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)
_SHORTEST_SECRET = 32
_LONGEST_NUMBER = 6
_HOURLY = "0 0 * * * *"
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


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
    blobs: StorageAddress
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
    timetable: Timetable
    slice_seconds: int
    change_notifications: bool = True

    @staticmethod
    def read(environ: Mapping[str, str]) -> "Settings":
        """Read and check every setting: what the clients and stores would refuse later is refused here.

        Raises:
            SettingsError: with all the problems at once.
        """
        reader = _Reader(environ)
        # Every setting is read before the first problem is raised, so that one start shows all of them.
        settings = Settings(
            queues=reader.storage("AzureWebJobsStorage", "queueServiceUri"),
            tables=reader.data("tableServiceUri"),
            blobs=reader.data("blobServiceUri"),
            entra_client_id=reader.text("ENTRA_CLIENT_ID", check=_guid),
            entra_credential=reader.credential(),
            entra_authority=reader.url("ENTRA_AUTHORITY", "https://login.microsoftonline.com", check=_origin),
            graph_endpoint=reader.url("GRAPH_ENDPOINT", "https://graph.microsoft.com", check=_origin),
            platform_issuer=reader.text("PLATFORM_ISSUER"),
            platform_audience=reader.text("PLATFORM_AUDIENCE"),
            platform_jwks_url=reader.url("PLATFORM_JWKS_URL"),
            public_url=reader.url("PUBLIC_URL"),
            portal_url=reader.url("PORTAL_URL", keep_path=True),
            portal_token_url=reader.url("PORTAL_TOKEN_URL", keep_path=True),
            state_secret=reader.text("STATE_SECRET", check=_long_enough),
            timetable=reader.timetable("SYNC_SCHEDULE", _HOURLY),
            slice_seconds=reader.seconds(
                "SLICE_SECONDS", limits.SLICE_SECONDS, most=limits.LONGEST_SLICE_SETTING_SECONDS
            ),
            change_notifications=reader.switch("CHANGE_NOTIFICATIONS"),
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

    def url(
        self,
        name: str,
        default: str | None = None,
        *,
        check: Callable[[str], str | None] | None = None,
        keep_path: bool = False,
    ) -> str:
        value = self.text(name, default, check or _address)
        return value if keep_path else value.rstrip("/")

    def timetable(self, name: str, default: str) -> Timetable:
        try:
            return read_timetable(self.optional(name) or default)
        except ValueError as error:
            self.problems.append(f"{name} {error}")
            # Any value will do: the problem is told, and no settings are made.
            return read_timetable(default)

    def seconds(self, name: str, default: int, *, most: int) -> int:
        # An empty setting counts as missing.
        value = self.optional(name) or str(default)
        number = int(value) if value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER else 0
        if not 1 <= number <= most:
            self.problems.append(f"{name} must be a whole number of seconds from 1 to {most}")
            return default
        return number

    def switch(self, name: str) -> bool:
        """On unless it says `off`."""
        value = self.optional(name) or "on"
        if value not in ("on", "off"):
            self.problems.append(f"{name} must be on or off")
        return value != "off"

    def storage(self, name: str, service: str) -> StorageAddress:
        """The identity form is the host's own: `NAME__queueServiceUri`, or `NAME__accountName`."""
        if connection_string := self.optional(name):
            # Core Tools' short form of Azurite's connection string; the SDK's clients want the long one.
            if connection_string.rstrip(";") == "UseDevelopmentStorage=true":
                return StorageAddress(connection_string=_DEVELOPMENT_STORAGE)
            if problem := _connection_string(connection_string, service.removesuffix("ServiceUri")):
                self.problems.append(f"{name} {problem}")
            return StorageAddress(connection_string=connection_string)
        client_id = self.optional(f"{name}__clientId")
        if client_id is not None and (problem := _guid(client_id)):
            self.problems.append(f"{name}__clientId {problem}")
        if uri := self.optional(f"{name}__{service}"):
            if problem := _origin(uri):
                self.problems.append(f"{name}__{service} {problem}")
            return StorageAddress(uri=uri.rstrip("/"), identity_client_id=client_id)
        if account := self.optional(f"{name}__accountName"):
            if not re.fullmatch(r"[a-z0-9]{3,24}", account):
                self.problems.append(f"{name}__accountName must have 3 to 24 small letters and digits")
            kind = service.removesuffix("ServiceUri")
            return StorageAddress(uri=f"https://{account}.{kind}.core.windows.net", identity_client_id=client_id)
        self.problems.append(f"{name} is missing (a connection string, or {name}__{service})")
        return StorageAddress()

    def data(self, service: str) -> StorageAddress:
        """The account of the tables, and of the exports beside them. Defaults to the host's own storage (spec §8)."""
        host, own = "AzureWebJobsStorage", "DATA_STORAGE"
        said = list(self.problems)
        if any(self.optional(name) for name in (own, f"{own}__tableServiceUri", f"{own}__blobServiceUri")):
            address = self.storage(own, service)
        # Told under its own name only where nothing is set that could stand for it.
        elif not any(self.optional(name) for name in (host, f"{host}__{service}", f"{host}__accountName")):
            self.problems.append(f"{own} is missing (or {own}__{service})")
            return StorageAddress()
        else:
            address = self.storage(host, service)
        # What was said for another service of the same account is not said again.
        self.problems[len(said) :] = [one for one in self.problems[len(said) :] if one not in said]
        return address

    def credential(self) -> EntraCredential:
        names = ("ENTRA_CLIENT_SECRET", "ENTRA_CLIENT_CERTIFICATE_PATH", "ENTRA_MANAGED_IDENTITY_CLIENT_ID")
        values = [self.optional(name) for name in names]
        # With two of them it would be a guess which one the operator means.
        if sum(value is not None for value in values) != 1:
            self.problems.append("exactly one of " + ", ".join(names) + " must be set")
        _, path, identity = values
        if path is not None and (problem := _certificate(path)):
            self.problems.append(f"ENTRA_CLIENT_CERTIFICATE_PATH {problem}")
        if identity is not None and (problem := _guid(identity)):
            self.problems.append(f"ENTRA_MANAGED_IDENTITY_CLIENT_ID {problem}")
        return EntraCredential(*values)


def _guid(value: str) -> str | None:
    return None if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value) else "must be a GUID"


def _long_enough(value: str) -> str | None:
    return None if len(value) >= _SHORTEST_SECRET else f"must have at least {_SHORTEST_SECRET} characters"


def _address(value: str) -> str | None:
    """What is wrong with an address of ours or of emu.chat's."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("http", "https") or not host or not value.isprintable() or " " in value:
        return "must be an http or https address"
    if parts.username is not None or parts.fragment:
        return "must be an address without a user name and without a fragment"
    return None if parts.scheme == "https" or host in _LOCAL_HOSTS else "may be plain http on this machine only"


def _origin(value: str) -> str | None:
    """What is wrong with the address of a service: https, a host, and nothing after it."""
    if problem := _address(value):
        return problem
    parts = urlsplit(value)
    if parts.scheme != "https":
        return "must be an https address"
    return "must be an address without a path" if parts.path not in ("", "/") or parts.query else None


def _connection_string(text: str, service: str) -> str | None:
    """What is wrong with a storage connection string for 'queue' or 'table'; the SDK's clients need as much."""
    pairs = [part.partition("=") for part in text.split(";") if part]
    parts = {name.strip().lower(): value for name, equals, value in pairs if equals and value}
    if len(parts) != len(pairs):
        return "is not a storage connection string"
    endpoint = parts.get(f"{service}endpoint")
    if endpoint is not None and urlsplit(endpoint).scheme not in ("http", "https"):
        return f"has a {service} endpoint that is no address"
    if "sharedaccesssignature" in parts:
        return None if endpoint or "accountname" in parts else f"names neither an account nor a {service} endpoint"
    if "accountname" not in parts or "accountkey" not in parts:
        return "must name an account and its key, or a shared access signature"
    try:
        base64.b64decode(parts["accountkey"], validate=True)
    except binascii.Error:
        return "has an account key that is not Base64"
    return None


def _certificate(path: str) -> str | None:
    """What is wrong with a PEM file of the app's certificate and its private key. Nothing of the file is told."""
    try:
        pem = Path(path).read_bytes()
    except OSError as error:
        return f"cannot be read ({type(error).__name__})"
    try:
        x509.load_pem_x509_certificate(pem)
        load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        return "must be a PEM file with a certificate and its private key, without a password"
    return None
