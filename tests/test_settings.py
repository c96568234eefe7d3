import pytest

from settings import Settings, SettingsError

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
    assert settings.sync_schedule == "0 0 * * * *"
    assert settings.slice_seconds == 240
    assert settings.tables == settings.queues


def test_everything_missing_is_named_in_one_message():
    with pytest.raises(SettingsError) as refused:
        Settings.read({})

    missing = set(GOOD) - {"ENTRA_CLIENT_SECRET"}
    assert all(any(name in problem for problem in refused.value.problems) for name in missing)
    assert "ENTRA_CLIENT_SECRET" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENTRA_CLIENT_ID", "app"),
        ("ENTRA_AUTHORITY", "http://login.microsoftonline.com"),
        ("GRAPH_ENDPOINT", "graph.microsoft.com"),
        ("PLATFORM_JWKS_URL", "http://id.emu.example/jwks"),
        ("STATE_SECRET", "short"),
        ("SYNC_SCHEDULE", "0 * * * *"),
        ("SLICE_SECONDS", "0"),
        ("SLICE_SECONDS", "9000"),
        ("AzureWebJobsStorage", "nonsense"),
        ("ENTRA_CLIENT_CERTIFICATE_PATH", "/two/credentials.pem"),
    ],
)
def test_a_malformed_value_is_refused_by_name(name, value):
    with pytest.raises(SettingsError) as refused:
        Settings.read({**GOOD, name: value})

    assert [problem for problem in refused.value.problems if name in problem] == refused.value.problems


def test_storage_by_identity():
    identity = {
        "AzureWebJobsStorage__queueServiceUri": "https://a.queue.core.windows.net",
        "AzureWebJobsStorage__tableServiceUri": "https://a.table.core.windows.net",
        "AzureWebJobsStorage__clientId": "the-identity",
    }

    settings = Settings.read({**{k: v for k, v in GOOD.items() if k != "AzureWebJobsStorage"}, **identity})

    assert settings.queues.uri == "https://a.queue.core.windows.net"
    assert settings.tables.uri == "https://a.table.core.windows.net"
    assert settings.tables.identity_client_id == "the-identity"


def test_secrets_do_not_show():
    shown = repr(Settings.read(GOOD))

    assert "hidden-secret" not in shown
    assert GOOD["STATE_SECRET"] not in shown
