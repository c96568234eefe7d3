"""Keys that roll over, credentials of every kind, alarms, and what logs must not hold (spec §2, §7)."""

import datetime as dt
import re

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from api.caller import Callers
from errors import NotSignedIn, TryLater
from local.azurite import free_ports
from local.host.process import start_host
from local.microsoft.control import DirectoryControl
from local.microsoft.process import directory as running_directory
from local.office import ENTRA, Office, host_settings


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    """An identity of its own: rolling its keys over disturbs nobody."""
    with running_directory(tmp_path_factory.mktemp("identity"), "--people", "0") as running:
        yield running


class Time:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def callers_of(identity, time):
    return Callers(f"{identity.desk}/identity", "emu.chat", f"{identity.desk}/identity/jwks", time)


async def test_new_keys_are_fetched_for_an_unknown_kid_but_once_a_minute(identity):
    time, control = Time(), DirectoryControl(identity.desk)
    callers = callers_of(identity, time)
    assert (await callers.identify(f"Bearer {control.token('alice')}")).is_admin
    control.rotate_keys()
    token = control.token("bob")

    with pytest.raises(NotSignedIn):
        await callers.identify(f"Bearer {token}")
    time.now += 61
    assert not (await callers.identify(f"Bearer {token}")).is_admin


async def test_an_identity_that_cannot_be_reached_is_nobodys_fault(identity):
    token = DirectoryControl(identity.desk).token("alice")
    callers = Callers(f"{identity.desk}/identity", "emu.chat", f"http://127.0.0.1:{free_ports()[0]}/jwks", Time())

    with pytest.raises(TryLater):
        await callers.identify(f"Bearer {token}")


@pytest.fixture
def tenant(directory):
    return directory.control.tenant(people=20, consented=False)


@pytest.fixture
def elsewhere(azurite, directory, tenant, tmp_path, request):
    """A host with settings of its own, by way of `start`."""
    started = []

    def start(**settings):
        port = free_ports()[0]
        directory.control.allow_redirect(f"http://localhost:{port}/api/integrations/entra/consent/callback")
        account = azurite.connection_string(f"account{1400 + len(started) + hash(request.node.name) % 90}")
        chosen = host_settings(account, directory, port)
        if "ENTRA_CLIENT_SECRET" not in settings:
            del chosen["ENTRA_CLIENT_SECRET"]
        host = start_host({**chosen, **settings}, tmp_path / f"log{len(started)}", port=port)
        office = Office(host.url, directory, tenant)
        started.append((host, office))
        return host, office

    yield start
    for host, office in started:
        office.close()
        host.stop()


def test_a_certificate_serves_for_the_sign_in_and_for_graph(elsewhere, tmp_path):
    path = tmp_path / "app.pem"
    path.write_bytes(self_signed())

    _, office = elsewhere(ENTRA_CLIENT_CERTIFICATE_PATH=str(path))

    assert office.set_up()["state"] == "completed"


def test_a_managed_identity_serves_without_any_secret(elsewhere, directory):
    _, office = elsewhere(
        ENTRA_MANAGED_IDENTITY_CLIENT_ID="33333333-2222-4333-8444-555555555555",
        IDENTITY_ENDPOINT=f"{directory.desk}/managed-identity/token",
        IDENTITY_HEADER="local",
    )

    assert office.set_up()["state"] == "completed"


def test_our_own_credential_failing_shows_at_the_health_call_and_heals(elsewhere):
    _, office = elsewhere(ENTRA_CLIENT_SECRET="local-only-client-secret")
    office.set_up()
    office.tenant.consent(credentialError="7000222")
    office.tenant.advance(2 * 3600)  # Until then the token from before would do.
    office.admin.call("POST", f"{ENTRA}/sync", {"mode": "delta"})

    while (health := office.admin.call("GET", "health"))["status"] == "ok":
        pass

    assert health == {"status": "degraded", "reason": "AADSTS7000222"}
    assert office.card()["connection"] == "active"
    assert office.status()["state"] == "running"
    assert office.status()["currentRun"]["resumeAt"]


def test_health_is_503_with_the_reason_when_storage_is_gone(directory, tmp_path, azurite):
    nowhere = re.sub(
        r"(TableEndpoint=http://127.0.0.1):\d+", rf"\1:{free_ports()[0]}", azurite.connection_string("account1390")
    )
    port = free_ports()[0]
    host = start_host(host_settings(nowhere, directory, port), tmp_path / "log", port=port)
    try:
        answer = httpx.get(f"{host.url}/api/health", timeout=60)
    finally:
        host.stop()

    assert answer.status_code == 503
    assert "storage" in answer.json()["detail"]


def test_logs_hold_ids_and_no_people_and_no_secrets(elsewhere):
    host, office = elsewhere(ENTRA_CLIENT_SECRET="local-only-client-secret")
    office.set_up()
    office.tenant.hire(
        givenName="Unmistakable", surname="Surname", mail="unmistakable@x.example", mobilePhone="+999 123"
    )
    office.sync()
    path = f"contact-lists/{office.card()['list']['id']}/contacts"
    office.member.call("POST", path, {"firstName": "Handmade-Name"})
    office.member.send("POST", path, {"email": 5})
    httpx.get(f"{host.url}/api/{ENTRA}", headers={"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."})
    office.tenant.consent(given=False)
    office.sync()

    shown = host.log.read_text()

    assert f"workspace={office.workspace}" in shown
    assert "slice_done" in shown
    users = office.tenant.users()
    private = {user[name] for user in users for name in ("mail", "mobilePhone", "displayName") if user.get(name)}
    private |= {"Unmistakable", "Handmade-Name", "local-only-client-secret", "local-only-state-secret", "eyJ"}
    assert [value for value in private if value in shown] == []


def self_signed():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain
    ) + certificate.public_bytes(serialization.Encoding.PEM)
