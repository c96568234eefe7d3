from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services import build
from services.settings import Settings, SettingsError
from workspace.connection import WorkspaceId

GOOD = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "ENTRA_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
    "ENTRA_CLIENT_SECRET": "hidden-secret",
    "PLATFORM_ISSUER": "https://id.emu.example",
    "PLATFORM_AUDIENCE": "emu.chat",
    "PLATFORM_JWKS_URL": "https://id.emu.example/jwks",
    "PUBLIC_URL": "https://connector.emu.example/",
    "PORTAL_URL": "https://emu.example/integrations",
    "PORTAL_TOKEN_URL": "https://id.emu.example/token",
    "STATE_SECRET": "0123456789abcdef0123456789abcdef",
}


def test_good_settings_with_their_defaults():
    settings = Settings.read(GOOD)

    assert settings.entra_authority == "https://login.microsoftonline.com"
    assert settings.graph_endpoint == "https://graph.microsoft.com"
    assert settings.public_url == "https://connector.emu.example"
    assert settings.timetable.text == "0 0 * * * *"
    assert settings.slice_seconds == 240
    assert settings.tables == settings.queues == settings.blobs


def test_everything_missing_is_named_in_one_message():
    with pytest.raises(SettingsError) as refused:
        Settings.read({})

    missing = set(GOOD) - {"ENTRA_CLIENT_SECRET"}
    assert all(any(name in problem for problem in refused.value.problems) for name in missing)
    assert "ENTRA_CLIENT_SECRET" in str(refused.value)


SECRET = "ENTRA_CLIENT_SECRET"
STORAGE = "AzureWebJobsStorage"
ACCOUNT = "DefaultEndpointsProtocol=https;AccountName=abc;AccountKey=a2V5;EndpointSuffix=core.windows.net"
NO_ADDRESSES = ("emu.example", "ftp://emu.example", "https://", "https://:443", "https://[::1", "https://emu.example:x")
ADDRESSES = ("PLATFORM_JWKS_URL", "PUBLIC_URL", "PORTAL_URL", "PORTAL_TOKEN_URL")
ORIGINS = ("ENTRA_AUTHORITY", "GRAPH_ENDPOINT")

MALFORMED = [
    *[(name, value) for name in (*ADDRESSES, *ORIGINS) for value in NO_ADDRESSES],
    *[(name, "https://emu.example/a b\nc") for name in (*ADDRESSES, *ORIGINS)],
    *[(name, "https://me:word@emu.example") for name in (*ADDRESSES, *ORIGINS)],
    *[(name, "http://emu.example") for name in (*ADDRESSES, *ORIGINS)],
    *[(name, "https://emu.example/common") for name in ORIGINS],
    *[(name, "http://localhost") for name in ORIGINS],
    ("ENTRA_CLIENT_ID", "app"),
    ("STATE_SECRET", "short"),
    *[("SYNC_SCHEDULE", value) for value in ("0 * * * *", "0 0 25 * * *", "0 0 0 30 2 *", "hourly")],
    *[("SLICE_SECONDS", value) for value in ("0", "421", "-1", "1.5", "x", "9" * 5000)],
    *[
        (STORAGE, value)
        for value in ("nonsense", "a=b", "UseDevelopmentStorage=false", "AccountName=abc", "AccountKey=a2V5")
    ],
    *[(STORAGE, value) for value in (ACCOUNT.replace("a2V5", "no"), f"{ACCOUNT};QueueEndpoint=here", f"{ACCOUNT};x")],
    (STORAGE, "QueueEndpoint=https://abc.queue.core.windows.net;SharedAccessSignature=sv%3D1"),
    *[("DATA_STORAGE", value) for value in ("nonsense", f"{ACCOUNT};TableEndpoint=here")],
]


@pytest.mark.parametrize(("name", "value"), MALFORMED)
def test_a_malformed_value_is_refused_by_name(name, value):
    with pytest.raises(SettingsError) as refused:
        Settings.read({**GOOD, name: value})

    assert {problem.startswith(f"{name} ") for problem in refused.value.problems} == {True}


@pytest.mark.parametrize("name", ["DATA_STORAGE__tableServiceUri", "DATA_STORAGE__blobServiceUri"])
@pytest.mark.parametrize("value", ["abc", "http://abc.example", "https://abc.example/x?y"])
def test_a_malformed_address_of_the_data_is_refused_by_name(name, value):
    data = {f"DATA_STORAGE__{one}ServiceUri": f"https://data.{one}.core.windows.net" for one in ("table", "blob")}
    with pytest.raises(SettingsError) as refused:
        Settings.read({**GOOD, **data, name: value})

    assert [problem.startswith(f"{name} ") for problem in refused.value.problems] == [True]


IDENTITY = {
    "AzureWebJobsStorage__blobServiceUri": "https://abc.blob.core.windows.net",
    "AzureWebJobsStorage__queueServiceUri": "https://abc.queue.core.windows.net",
    "AzureWebJobsStorage__tableServiceUri": "https://abc.table.core.windows.net",
    "AzureWebJobsStorage__clientId": "33333333-2222-4333-8444-555555555555",
    "ENTRA_MANAGED_IDENTITY_CLIENT_ID": "33333333-2222-4333-8444-555555555555",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("AzureWebJobsStorage__queueServiceUri", value) for value in ("abc", "http://abc.example", "https://a/b")],
        *[("AzureWebJobsStorage__tableServiceUri", value) for value in ("abc", "http://abc.example", "https://a/b")],
        *[("AzureWebJobsStorage__blobServiceUri", value) for value in ("abc", "http://abc.example", "https://a/b")],
        ("AzureWebJobsStorage__clientId", "the-identity"),
        ("ENTRA_MANAGED_IDENTITY_CLIENT_ID", "the-identity"),
    ],
)
def test_a_malformed_identity_is_refused_by_name(name, value):
    with pytest.raises(SettingsError) as refused:
        Settings.read({**without(GOOD, STORAGE, SECRET), **IDENTITY, name: value})

    assert [problem.startswith(f"{name} ") for problem in refused.value.problems] == [True]


def test_a_malformed_account_name_is_refused_by_name():
    with pytest.raises(SettingsError) as refused:
        Settings.read({**without(GOOD, STORAGE), "AzureWebJobsStorage__accountName": "My.Account/"})

    assert refused.value.problems == ["AzureWebJobsStorage__accountName must have 3 to 24 small letters and digits"]


def without(settings: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in settings.items() if name not in names}


KEY = ec.generate_private_key(ec.SECP256R1())
PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
OPEN = KEY.private_bytes(PEM, PKCS8, serialization.NoEncryption())
LOCKED = KEY.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"word"))


def certificate() -> bytes:
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app")]), datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, KEY.public_key(), 1, now, now + timedelta(days=1))
    return made.sign(KEY, hashes.SHA256()).public_bytes(PEM)


def test_a_certificate_with_its_key_will_do(tmp_path):
    path = tmp_path / "app.pem"
    path.write_bytes(certificate() + OPEN)

    settings = Settings.read({**without(GOOD, SECRET), "ENTRA_CLIENT_CERTIFICATE_PATH": str(path)})

    assert settings.entra_credential.certificate_path == str(path)


@pytest.mark.parametrize(
    "content",
    [None, b"", b"hello", certificate(), OPEN, certificate() + LOCKED],
    ids=["missing", "empty", "no PEM", "no key", "no certificate", "locked"],
)
def test_a_certificate_that_cannot_serve_is_refused_by_name(tmp_path, content):
    path = tmp_path / "app.pem"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SettingsError) as refused:
        Settings.read({**without(GOOD, SECRET), "ENTRA_CLIENT_CERTIFICATE_PATH": str(path)})

    assert [problem.startswith("ENTRA_CLIENT_CERTIFICATE_PATH ") for problem in refused.value.problems] == [True]


def test_no_credential_and_two_are_refused_by_name():
    for settings in (without(GOOD, SECRET), {**GOOD, "ENTRA_MANAGED_IDENTITY_CLIENT_ID": GOOD["ENTRA_CLIENT_ID"]}):
        with pytest.raises(SettingsError) as refused:
            Settings.read(settings)

        assert "exactly one of ENTRA_CLIENT_SECRET" in str(refused.value)


@pytest.mark.parametrize(
    "settings",
    [
        GOOD,
        {**GOOD, STORAGE: ACCOUNT},
        {**GOOD, STORAGE: "AccountName=abc;SharedAccessSignature=sv%3D1"},
        {**without(GOOD, STORAGE, SECRET), **IDENTITY},
        {**without(GOOD, STORAGE), "AzureWebJobsStorage__accountName": "abc"},
        {**GOOD, "DATA_STORAGE": ACCOUNT, "SYNC_SCHEDULE": "0 0 0 29 2 1"},
    ],
    ids=["development", "key", "signature", "identity", "account", "two"],
)
async def test_what_is_accepted_can_be_built_on(settings):
    services = build(Settings.read(settings), lambda: datetime.now(UTC))

    assert services.schedule.next_run_at(WorkspaceId("w-1")) > datetime.now(UTC)
    await services.close()


def test_storage_by_identity():
    identity = {
        "AzureWebJobsStorage__blobServiceUri": "https://a.blob.core.windows.net",
        "AzureWebJobsStorage__queueServiceUri": "https://a.queue.core.windows.net",
        "AzureWebJobsStorage__tableServiceUri": "https://a.table.core.windows.net",
        "AzureWebJobsStorage__clientId": "33333333-2222-4333-8444-555555555555",
    }

    settings = Settings.read({**{k: v for k, v in GOOD.items() if k != "AzureWebJobsStorage"}, **identity})

    assert settings.queues.uri == "https://a.queue.core.windows.net"
    assert settings.tables.uri == "https://a.table.core.windows.net"
    assert settings.blobs.uri == "https://a.blob.core.windows.net"
    assert settings.tables.identity_client_id == "33333333-2222-4333-8444-555555555555"


def test_exports_need_an_address_as_the_tables_do():
    """Without one, nothing would be exported, and nobody would know before it is needed."""
    tables = {"DATA_STORAGE__tableServiceUri": "https://data.table.core.windows.net"}

    with pytest.raises(SettingsError) as refused:
        Settings.read({**GOOD, **tables})

    [problem] = refused.value.problems
    assert "DATA_STORAGE__blobServiceUri" in problem


def test_secrets_do_not_show():
    shown = repr(Settings.read(GOOD))

    assert "hidden-secret" not in shown
    assert GOOD["STATE_SECRET"] not in shown
